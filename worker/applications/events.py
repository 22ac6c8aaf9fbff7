"""The events of an application's socket: a frame, and which of those for the client its consumer
wants to see before they go out."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.instances.handlers import get_handler_name
from channels.messages import Content
from channels.tracing.hooks import KEY

#: What may be sent to a group without any code, and whose methods pass it on as it is.
_PASSED_ON = ("websocket.send", "websocket.close")
_BASES = (AsyncWebsocketConsumer, WebsocketConsumer)


def find_own_events(kind: type) -> list[str]:
    """Return the types of events for the client for which a class has a method of its own: in
    Channels 4, what is sent to a group as `websocket.send` goes to the method `websocket_send`."""
    found = []
    for event in _PASSED_ON:
        name = get_handler_name({"type": event})
        method = getattr(kind, name, None)
        if method is not None and method not in [getattr(base, name) for base in _BASES]:
            found.append(event)
    return found


def frame_of(event: Content) -> Content:
    """The event of ASGI for a frame, and the context of its trace."""
    frame: Content = {"type": "websocket.receive"}
    if KEY in event:
        frame[KEY] = event[KEY]
    if event.get("text") is not None:
        return {**frame, "text": event["text"]}
    return {**frame, "bytes": event.get("bytes") or b""}
