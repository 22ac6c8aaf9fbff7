"""`HttpCommunicator`: a test's request to an ASGI application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlparse

from channels.applications.shapes import Event
from channels.testing.application import ApplicationCommunicator

__all__ = ["HttpCommunicator"]


class HttpCommunicator(ApplicationCommunicator):
    """Sends one request, in one part.

    Args:
        application: the application, or a consumer class.
        method: such as "GET".
        path: with its query string, if it has one.
        body: bytes.
        headers: a list of (name, value) pairs of bytes.
    """

    def __init__(
        self,
        application: Any,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Iterable[tuple[bytes, bytes]] | None = None,
    ) -> None:
        if not isinstance(body, bytes):
            raise TypeError(f"Expected bytes as body, got {type(body).__name__}: encode it first")
        url = urlparse(path)
        self.scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": method.upper(),
            "path": unquote(url.path),
            "query_string": url.query.encode("utf-8"),
            "headers": headers or [],
        }
        self.body = body
        self.sent_request = False
        super().__init__(application, self.scope)

    async def get_response(self, timeout: float = 1) -> Event:
        """Send the request, if that has not been done, and return the response: a dict of
        "status", "headers" and "body"."""
        if not self.sent_request:
            self.sent_request = True
            await self.send_input({"type": "http.request", "body": self.body})
        start = await self._expect("http.response.start", timeout)
        parts, is_complete = [], False
        while not is_complete:
            part = await self._expect("http.response.body", timeout)
            parts.append(part.get("body", b""))
            is_complete = not part.get("more_body", False)
        del start["type"]
        return {"headers": [], **start, "body": b"".join(parts)}

    async def _expect(self, kind: str, timeout: float) -> Event:
        event = await self.receive_output(timeout)
        if event["type"] != kind:
            raise AssertionError(f"expected {kind!r} of the application, got {event!r}")
        return event
