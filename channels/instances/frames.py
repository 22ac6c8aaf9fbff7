"""The events that a consumer of WebSockets sends.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html, "WebSocket".
"""

from __future__ import annotations

from collections.abc import Iterable

from channels.applications.shapes import Event


def accept_event(subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]] | None) -> Event:
    """The event that accepts a socket."""
    event: Event = {"type": "websocket.accept", "subprotocol": subprotocol}
    if headers:
        event["headers"] = list(headers)
    return event


def frame_event(text_data: str | None, bytes_data: bytes | None) -> Event:
    """The event that sends a frame. Raises ValueError if there is nothing in it."""
    if text_data is not None:
        return {"type": "websocket.send", "text": text_data}
    if bytes_data is not None:
        return {"type": "websocket.send", "bytes": bytes_data}
    raise ValueError("You must pass one of bytes_data or text_data: both are None")


def close_event(code: int | bool | None, reason: str | None) -> Event:
    """The event that closes a socket; True and None leave the code to the server (1000)."""
    event: Event = {"type": "websocket.close"}
    if code is not None and code is not True:
        event["code"] = code
    if reason:
        event["reason"] = reason
    return event
