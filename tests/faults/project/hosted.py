"""Class consumers: each answers a frame with it and with how many have come."""

from django.urls import path

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from tests.faults.project.consumers import numbered


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
    {
        "websocket": URLRouter(
            [
                path("counting/", Counting.as_asgi()),
                path("kept/", Kept.as_asgi()),
                path("numbered/async/", numbered.AsyncNumbered.as_asgi()),
                path("numbered/sync/", numbered.SyncNumbered.as_asgi()),
                path("numbered/async-kept/", numbered.AsyncKept.as_asgi()),
                path("numbered/sync-kept/", numbered.SyncKept.as_asgi()),
            ]
        )
    }
)
