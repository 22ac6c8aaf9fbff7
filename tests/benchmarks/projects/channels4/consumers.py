"""The consumers of shared/classic/consumers.py, written for Channels 4, async and sync."""

import time

from asgiref.sync import async_to_sync

from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer


class AsyncEcho(AsyncWebsocketConsumer):
    """Send the text back."""

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data)


class AsyncGroup(AsyncWebsocketConsumer):
    """Send the text to everyone in the crowd."""

    async def connect(self):
        await self.channel_layer.group_add("crowd", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("crowd", self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("crowd", {"type": "say", "text": text_data})

    async def say(self, event):
        """Pass on what someone in the crowd said."""
        await self.send(text_data=event["text"])


class AsyncDirect(AsyncGroup):
    """Send the text to everyone in the crowd, as the frame that it is to be."""

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("crowd", {"type": "websocket.send", "text": text_data})


class AsyncCount(AsyncWebsocketConsumer):
    """Answer each text with it and how many have come."""

    async def connect(self):
        self.count = 0
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        self.count += 1
        await self.send(text_data=f"{text_data} {self.count}")


class SyncSleep(WebsocketConsumer):
    """Send the text back after a call of something else that takes 50 ms."""

    def receive(self, text_data=None, bytes_data=None):
        time.sleep(0.05)
        self.send(text_data=text_data)


class SyncEcho(WebsocketConsumer):
    """Send the text back, from a thread."""

    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=text_data)


class SyncGroup(WebsocketConsumer):
    """Send the text to everyone in the crowd, from a thread."""

    def connect(self):
        async_to_sync(self.channel_layer.group_add)("crowd", self.channel_name)
        self.accept()

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)("crowd", self.channel_name)

    def receive(self, text_data=None, bytes_data=None):
        event = {"type": "say", "text": text_data}
        async_to_sync(self.channel_layer.group_send)("crowd", event)

    def say(self, event):
        """Pass on what someone in the crowd said."""
        self.send(text_data=event["text"])


class Background(AsyncConsumer):
    """Do nothing, but count; tell the count to whoever asks for it."""

    count = 0

    async def noop(self, event):
        """Count one message."""
        Background.count += 1
        if "tell" in event:
            await self.channel_layer.send(event["tell"], {"count": Background.count})
