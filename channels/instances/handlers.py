"""Which method of a consumer an event goes to."""

from __future__ import annotations

from typing import Any

from channels.applications.shapes import Event


def get_handler_name(message: Event) -> str:
    """Return the name of the method for an event: its `type`, with "_" in the place of ".".

    Raises ValueError if there is no type, or one that begins with "_" or ".": methods of that name
    are the consumer's own business.
    """
    if "type" not in message:
        raise ValueError(
            f"Incoming message has no 'type' attribute (it has: {', '.join(map(repr, message))}): "
            "name the method that is to handle it, as in {'type': 'chat.message'}"
        )
    name = message["type"].replace(".", "_")
    if name.startswith("_"):
        raise ValueError(
            f"Malformed type in message (leading underscore): {message['type']!r}; its handler's "
            "name may not begin with an underscore"
        )
    return str(name)


def find_handler(consumer: object, message: Event) -> Any:
    """Return the method of `consumer` that an event goes to. Raises ValueError if it has none."""
    name = get_handler_name(message)
    handler = getattr(consumer, name, None)
    if handler is None:
        raise ValueError(
            f"No handler for message type {message['type']}: give {type(consumer).__qualname__} a "
            f"method {name}(self, event)"
        )
    return handler
