"""Class consumers: each answers a frame with it and with how many have come."""

from django.urls import path

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter


class Counting(AsyncWebsocketConsumer):
    async def connect(self):
        self.count = 0
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        self.count += 1
        await self.send(text_data=f"{text_data} {self.count}")


class Kept(Counting):
    """The same, with a checkpoint after each frame."""

    checkpoint = True


application = ProtocolTypeRouter(
    {"websocket": URLRouter([path("counting/", Counting.as_asgi()), path("kept/", Kept.as_asgi())])}
)
