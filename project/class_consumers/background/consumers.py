"""Work in the background: a message on a channel, a worker that takes it, a page that hears."""

import time

from asgiref.sync import async_to_sync

from channels.consumer import SyncConsumer
from channels.generic.websocket import JsonWebsocketConsumer

STEPS = 10


class CountConsumer(SyncConsumer):
    """Takes the channel "slow-count": `runworker slow-count`, or any worker that listens to it."""

    def count(self, message):
        """Do slow work, and tell the page that asked for it how far it is."""
        for step in range(1, STEPS + 1):
            time.sleep(0.3)
            async_to_sync(self.channel_layer.send)(
                message["tell"], {"type": "progress.made", "done": step, "of": STEPS}
            )


class ProgressConsumer(JsonWebsocketConsumer):
    """The page's socket: it asks for work, and shows its progress."""

    def receive_json(self, content):
        async_to_sync(self.channel_layer.send)(
            "slow-count", {"type": "count", "tell": self.channel_name}
        )

    def progress_made(self, event):
        """The worker is one step further."""
        self.send_json({"done": event["done"], "of": event["of"]})
