"""Consumers that the routing tests name by their dotted paths."""


def ws_connect(message, **kwargs):
    """Take anything."""


def ws_receive(message, **kwargs):
    """Take anything."""


class Chat:
    """A class based consumer."""

    def __init__(self, message, **kwargs):
        self.message = message

    @classmethod
    def channel_names(cls):
        return {"websocket.connect", "websocket.receive"}


NOT_CALLABLE = 42
