"""Class consumers that say which worker they are on, and how often they have been called."""

import asyncio
import dataclasses
import json
import os
import signal
import time

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.utils import translation

from channels.auth import login
from channels.consumer import SyncConsumer
from channels.exceptions import DenyConnection, MessageTooLarge
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from tests.split.site.notes import note


class Counter(AsyncJsonWebsocketConsumer):
    """Counts frames and messages on itself; joins the group "all"."""

    groups = ["all"]

    async def connect(self):
        self.count = 0
        self.scope["room"] = self.scope["url_route"]["kwargs"]["room"]
        await self.accept()
        note("connect", room=self.scope["room"])

    async def receive_json(self, content):
        self.count += 1
        await self.say("frame", content)

    async def group_message(self, event):
        self.count += 1
        await self.say("group", event["value"])

    async def say(self, kind, value):
        await self.send_json(
            {
                "kind": kind,
                "value": value,
                "count": self.count,
                "pid": os.getpid(),
                "room": self.scope["room"],
                "channel": self.channel_name,
            }
        )

    async def disconnect(self, code):
        note("disconnect", room=self.scope["room"], code=code, count=self.count)


class Kept(AsyncJsonWebsocketConsumer):
    """Counts frames and messages, with a checkpoint after each; joins the group "kept"."""

    checkpoint = True
    groups = ["kept"]

    async def connect(self):
        self.count = 0
        await self.accept()

    async def receive_json(self, content):
        self.count += 1
        if content == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        await self.send_json({"value": content, "count": self.count, "pid": os.getpid()})

    async def group_message(self, event):
        await self.receive_json(event["value"])

    async def disconnect(self, code):
        note("disconnect", code=code, count=self.count)


class Repeating(AsyncWebsocketConsumer):
    """Answers with as many letters as it is asked for; keeps them if it is told to."""

    async def receive(self, text_data=None, bytes_data=None):
        count, _, keep = text_data.partition(" ")
        letters = int(count) * "x"
        if keep:
            self.letters = letters
        try:
            await self.send(text_data="kept" if keep else letters)
        except MessageTooLarge as error:
            await self.send(text_data=str(error))


class Untakeable(AsyncWebsocketConsumer):
    """Fails when it is to go on."""

    async def take_over(self, state):
        raise RuntimeError("a mistake in take_over")


class Vanishing(AsyncWebsocketConsumer):
    """Has something on itself that only the worker of its handshake has a class for."""

    async def connect(self):
        kind = dataclasses.make_dataclass("Local", ["x"])
        kind.__module__ = __name__
        globals()["Local"] = kind
        self.local = kind(1)
        await self.accept()


class LoggingIn(AsyncJsonWebsocketConsumer):
    """Logs somebody in, and says who it is afterwards."""

    async def receive_json(self, name):
        if name:
            user = await get_user_model().objects.aget(username=name)
            await login(self.scope, user)
            await sync_to_async(self.scope["session"].save)()
        await self.send_json(
            {"user": self.scope["user"].username, "key": self.scope["session"].session_key}
        )


class Counting(AsyncJsonWebsocketConsumer):
    """Answers each number with how many have come."""

    async def connect(self):
        self.count = 0
        await self.accept()

    async def receive_json(self, content):
        self.count += 1
        await self.send_json({"value": content, "count": self.count})


class AsyncEcho(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data)


class SyncEcho(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=text_data)


class SyncCounter(JsonWebsocketConsumer):
    def connect(self):
        self.count = 0
        self.accept()

    def receive_json(self, content):
        self.count += 1
        self.send_json({"value": content, "count": self.count, "pid": os.getpid()})


class Slow(WebsocketConsumer):
    """Sleeps for as many seconds as a frame says."""

    def receive(self, text_data=None, bytes_data=None):
        note("begins")
        time.sleep(float(text_data))
        self.send(text_data)


class WithTask(AsyncWebsocketConsumer):
    """Has something on itself that can't travel."""

    async def connect(self):
        self.task = asyncio.create_task(asyncio.sleep(600))
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data)


class Ticking(AsyncWebsocketConsumer):
    """Has a task as well, and says how to go on with it elsewhere."""

    async def connect(self):
        self.ticks = 0
        await self.accept()
        self.start()

    def start(self):
        self.task = asyncio.create_task(self.tick())

    async def tick(self):
        while True:
            self.ticks += 1
            await self.send(text_data=json.dumps({"tick": self.ticks, "pid": os.getpid()}))
            await asyncio.sleep(0.1)

    async def hand_over(self):
        self.task.cancel()
        return {"said": "by hand_over"}

    async def take_over(self, state):
        note("take_over", **state)

    async def resumed(self):
        self.start()

    async def disconnect(self, code):
        self.task.cancel()


class Refusing(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()


class Polite(WebsocketConsumer):
    """Agrees to a subprotocol, with a header, and says why it leaves."""

    def connect(self):
        if self.scope["query_string"] == b"deny":
            raise DenyConnection
        self.accept(subprotocol=self.scope["subprotocols"][-1], headers=[(b"x-kind", b"class")])

    def receive(self, text_data=None, bytes_data=None):
        self.close(4005, "enough of " + text_data)


class Shouting(AsyncWebsocketConsumer):
    """Sees frames for its client before they go out, as the method is its own."""

    groups = ["shouts"]

    async def websocket_send(self, event):
        await super().websocket_send({**event, "text": event["text"].upper()})


class Guarded(AsyncWebsocketConsumer):
    """Is in a group, and hears it, while it makes up its mind whom to let in."""

    groups = ["doors"]

    async def connect(self):
        message = {"type": "websocket.send", "text": "come in"}
        await self.channel_layer.group_send("doors", message)
        await asyncio.sleep(0.3)
        if b"welcome" not in self.scope["query_string"]:
            await self.close()
            return
        await self.accept()
        await self.send("welcome")


class Failing(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        raise RuntimeError("a mistake in a handler")


class Sums(SyncConsumer):
    """Takes the channel "sums": adds numbers, and tells the socket that asked."""

    def add(self, message):
        if "fail" in message["numbers"]:
            raise RuntimeError("these can't be added")
        answer = {"type": "sum.made", "sum": sum(message["numbers"])}
        async_to_sync(self.channel_layer.send)(message["tell"], answer)


class Asking(JsonWebsocketConsumer):
    """Has numbers added by whoever listens on "sums"."""

    def receive_json(self, content):
        asked = {"type": "add", "numbers": content, "tell": self.channel_name}
        async_to_sync(self.channel_layer.send)("sums", asked)

    def sum_made(self, event):
        self.send_json(event["sum"])


class WithUser(AsyncJsonWebsocketConsumer):
    """Says whose socket it is, and which language was active, and activates another one."""

    async def receive_json(self, content):
        await self.send_json([self.scope["user"].username, translation.get_language()])
        translation.activate("de")


class SyncWithUser(JsonWebsocketConsumer):
    """The same on a thread."""

    def receive_json(self, content):
        self.send_json([self.scope["user"].username, translation.get_language()])
        translation.activate("de")
