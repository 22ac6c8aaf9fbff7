"""Messages in the format of 1.x that reach a class consumer, by its channel or a group."""

from __future__ import annotations

from typing import Any

from channels.applications.shapes import Event
from channels.messages import SOCKET_KEYS


def as_event(message: Event) -> Event:
    """Return the event that a message means: itself, if it has a type or is none of 1.x's.

    Of a message that sends a frame and closes, the frame is sent and the socket is closed by the
    same event.
    """
    if "type" in message or SOCKET_KEYS.isdisjoint(message):
        return message
    return {**message, "type": "channels.classic"}


def frames_of(message: Event) -> list[Event]:
    """Return the ASGI events of a message in the format of 1.x."""
    events: list[Event] = []
    frame: dict[str, Any] = {
        key: message[key]
        for key in ("text", "bytes")
        if message.get(key)  # none if it is empty
    }
    if message.get("accept"):
        events.append({"type": "websocket.accept", "subprotocol": message.get("subprotocol")})
    if frame:
        events.append({"type": "websocket.send", **frame})
    close = message.get("close")
    if close:
        code = {} if close is True else {"code": int(close)}
        events.append({"type": "websocket.close", **code})
    return events
