"""The class-based WebSocket consumers, at their Channels 1.x import path."""

from channels.generic.multiplexing import WebsocketDemultiplexer, WebsocketMultiplexer
from channels.generic.sockets import JsonWebsocketConsumer, WebsocketConsumer

__all__ = [
    "JsonWebsocketConsumer",
    "WebsocketConsumer",
    "WebsocketDemultiplexer",
    "WebsocketMultiplexer",
]
