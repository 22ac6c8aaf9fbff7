"""`HttpClient`, at its Channels 1.x import path."""

from channels.test.websocket import WSClient

__all__ = ["HttpClient"]

#: What WSClient was called in Channels 1.0: it sends HTTP and WebSocket messages alike.
HttpClient = WSClient
