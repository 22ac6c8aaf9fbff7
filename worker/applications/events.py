"""Which events for the client a consumer wants to see before they go out."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.instances.handlers import get_handler_name

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
