"""`WebsocketCommunicator`: a test's WebSocket to an ASGI application."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlparse

from channels.testing.application import ApplicationCommunicator

__all__ = ["WebsocketCommunicator"]


class WebsocketCommunicator(ApplicationCommunicator):
    """Opens one WebSocket.

    Args:
        application: the application, or a consumer class.
        path: with its query string, if it has one.
        headers: a list of (name, value) pairs of bytes.
        subprotocols: a list of those that the client speaks.
        spec_version: what the host server is to say that it speaks: its `scope["spec_version"]`.

    Attributes:
        response_headers: those that came with the application's accept; None before that.
    """

    def __init__(
        self,
        application: Any,
        path: str,
        headers: Iterable[tuple[bytes, bytes]] | None = None,
        subprotocols: list[str] | None = None,
        spec_version: str | None = None,
    ) -> None:
        if not isinstance(path, str):
            raise TypeError(f"Expected str as path, got {type(path).__name__} {path!r}")
        url = urlparse(path)
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "path": unquote(url.path),
            "query_string": url.query.encode("utf-8"),
            "headers": headers or [],
            "subprotocols": subprotocols or [],
        }
        if spec_version:
            self.scope["spec_version"] = spec_version
        super().__init__(application, self.scope)
        self.response_headers: list[tuple[bytes, bytes]] | None = None

    async def connect(self, timeout: float = 1) -> tuple[bool, Any]:
        """Shake hands. Returns (True, the subprotocol or None), or (False, the close code)."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout)
        if answer["type"] == "websocket.close":
            return False, answer.get("code", 1000)
        if answer["type"] != "websocket.accept":
            raise AssertionError(f"expected an accept or a close of the application, got {answer}")
        self.response_headers = answer.get("headers", [])
        return True, answer.get("subprotocol", None)

    async def send_to(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Send a frame: exactly one of a text and of bytes, and not an empty one."""
        if bool(text_data) == bool(bytes_data):
            raise AssertionError("You must supply exactly one of text_data or bytes_data")
        for name, value, kind in (("text", text_data, str), ("bytes", bytes_data, bytes)):
            if not value:
                continue
            if not isinstance(value, kind):
                raise AssertionError(f"The {name}_data argument must be a {kind.__name__}")
            await self.send_input({"type": "websocket.receive", name: value})

    async def send_json_to(self, data: Any) -> None:
        """Send a frame with `data` as JSON."""
        await self.send_to(text_data=json.dumps(data))

    async def receive_from(self, timeout: float = 1) -> Any:
        """Wait for the next frame, and return its str or bytes. Raises AssertionError if the
        socket is closed instead."""
        frame = await self.receive_output(timeout)
        if frame["type"] != "websocket.send":
            raise AssertionError(f"Expected type 'websocket.send', but was {frame['type']!r}")
        found = {name: value for name, value in frame.items() if name in ("text", "bytes")}
        if len(found) != 1:
            raise AssertionError("The response needs exactly one of 'text' or 'bytes'")
        ((name, value),) = found.items()
        expected = str if name == "text" else bytes
        if not isinstance(value, expected):
            raise AssertionError(f"A {name} frame holds {type(value).__name__} {value!r}")
        return value

    async def receive_json_from(self, timeout: float = 1) -> Any:
        """Wait for the next frame, and return what its JSON says."""
        payload = await self.receive_from(timeout)
        if not isinstance(payload, str):
            raise AssertionError(f"JSON data is not a text frame, it is {type(payload)}")
        return json.loads(payload)

    async def disconnect(self, code: int = 1000, timeout: float = 1) -> None:
        """Close the socket, and wait until the application has ended."""
        await self.send_input({"type": "websocket.disconnect", "code": code})
        await self.wait(timeout)  # type: ignore[no-untyped-call]
