"""The events of an application's socket: a frame, and which of those for the client its consumer
wants to see before they go out."""

from __future__ import annotations

from channels.exceptions import MessageTooLarge
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.instances.handlers import get_handler_name
from channels.layers.limits import MAX_MESSAGE_BYTES
from channels.messages import Content
from channels.tracing.hooks import KEY

#: What a WebSocket can be sent.
_FOR_CLIENTS = ("websocket.accept", "websocket.send", "websocket.close")
#: Bytes of a frame that a layer carries, with what stands around it.
MOST_FRAME_BYTES = MAX_MESSAGE_BYTES - 1024
#: A character has at most so many bytes.
_MOST_PER_CHARACTER = 4
#: What may be sent to a group without any code, and whose methods pass it on as it is.
_PASSED_ON = ("websocket.send", "websocket.close")
_BASES = (AsyncWebsocketConsumer, WebsocketConsumer)


def check_event(event: Content, channel: str) -> None:
    """Raise ValueError for what no client can be sent, and MessageTooLarge."""
    if event.get("type") not in _FOR_CLIENTS:
        raise ValueError(
            f"a WebSocket can't be sent {event.get('type')!r}: use one of {', '.join(_FOR_CLIENTS)}"
        )
    frame = event.get("text") or event.get("bytes") or b""
    if len(frame) * _MOST_PER_CHARACTER > MOST_FRAME_BYTES:
        size = len(frame.encode() if isinstance(frame, str) else frame)
        if size > MOST_FRAME_BYTES:
            raise MessageTooLarge(channel, size, MOST_FRAME_BYTES)


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
