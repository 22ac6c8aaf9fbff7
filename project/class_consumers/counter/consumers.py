"""A counter on `self`: it goes on when its worker is restarted, and its socket stays open."""

import os

from channels.generic.websocket import AsyncJsonWebsocketConsumer


class CounterConsumer(AsyncJsonWebsocketConsumer):
    """Counts clicks. What it keeps travels with it from worker to worker."""

    async def connect(self):
        self.clicks = 0
        self.moves = 0
        await self.accept()
        await self.tell()

    async def receive_json(self, content):
        self.clicks += 1
        await self.tell()

    async def resumed(self):
        """This is another worker: it has taken over `clicks` and `moves`, without `connect`."""
        self.moves += 1
        await self.tell()

    async def tell(self):
        """Say what there is, and which process says it."""
        await self.send_json({"clicks": self.clicks, "moves": self.moves, "worker": os.getpid()})
