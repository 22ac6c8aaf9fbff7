"""A class consumer of HTTP requests, at its Channels 2 import path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from channels.applications.shapes import Event
from channels.consumer import AsyncConsumer
from channels.db import aclose_old_connections
from channels.exceptions import StopConsumer
from channels.instances.connections import are_in_use

__all__ = ["AsyncHttpConsumer"]

#: Headers, as names and values, in bytes.
GivenHeaders = Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]


class AsyncHttpConsumer(AsyncConsumer):
    """A consumer that answers one request; a subclass defines `handle(body)`.

    Attributes:
        body: the parts of the request's body that have come, a list of bytes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.body: list[bytes] = []

    async def handle(self, body: bytes) -> None:
        """Called with the whole body: answer with `send_response`, or with `send_headers` and
        `send_body` for a stream."""
        raise NotImplementedError(
            f"Subclasses of AsyncHttpConsumer must provide a handle() method: "
            f"{type(self).__qualname__} has none"
        )

    async def disconnect(self) -> None:
        """Called when the request is done with, or its client has left. Send nothing from here."""

    async def send_headers(self, *, status: int = 200, headers: GivenHeaders | None = None) -> None:
        """Begin the response. They go out with the first part of the body."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        await self.send({"type": "http.response.start", "status": status, "headers": list(pairs)})

    async def send_body(self, body: bytes, *, more_body: bool = False) -> None:
        """Send a part of the response. `more_body`: another one will follow."""
        if not isinstance(body, bytes):
            raise TypeError(f"Body is not bytes: got {type(body).__name__}; encode it first")
        await self.send({"type": "http.response.body", "body": body, "more_body": more_body})

    async def send_response(self, status: int, body: bytes, **kwargs: Any) -> None:
        """Send all of the response. `kwargs`: as of `send_headers`."""
        await self.send_headers(status=status, **kwargs)
        await self.send_body(body)

    async def http_request(self, message: Event) -> None:
        """A part of the request has come."""
        if "body" in message:
            self.body.append(message["body"])
        if message.get("more_body"):
            return
        try:
            await self.handle(b"".join(self.body))
        finally:
            await self.disconnect()
        raise StopConsumer()

    async def http_disconnect(self, message: Event) -> None:
        """The client has left."""
        await self.disconnect()
        if are_in_use():
            await aclose_old_connections()
        raise StopConsumer()
