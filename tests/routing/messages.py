"""Messages for the routing tests."""

from channels.message import Message


class NoLayer:
    """Stands in for a channel layer: routing never uses it."""


def make_message(channel, **content):
    """Return a Message on `channel` with this content."""
    return Message(content, channel, NoLayer())
