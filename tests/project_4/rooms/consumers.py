from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from channels.auth import get_user, login, logout
from channels.consumer import SyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection, StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
)
from rooms.models import Line


class RoomConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["name"]
        self.count = 0
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def receive_json(self, content):
        self.count += 1
        await self.save(content["text"])
        await self.channel_layer.group_send(
            self.room,
            {"type": "room.line", "text": content["text"], "author": self.channel_name},
        )

    async def room_line(self, event):
        mine = event["author"] == self.channel_name
        await self.send_json({"text": event["text"], "mine": mine, "sent": self.count})

    async def room_closed(self, event):
        await self.close(code=4000, reason="closed")

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)

    @database_sync_to_async
    def save(self, text):
        Line.objects.create(room=self.room, author=str(self.scope["user"]), text=text)


class SyncRoomConsumer(JsonWebsocketConsumer):
    groups = ["everywhere"]

    def connect(self):
        if self.scope["url_route"]["kwargs"]["name"] == "secret":
            raise DenyConnection()
        self.accept()

    def receive_json(self, content):
        Line.objects.create(room="sync", author=str(self.scope["user"]), text=content["text"])
        async_to_sync(self.channel_layer.group_send)(
            "everywhere", {"type": "sync_line", "lines": Line.objects.count()}
        )

    def sync_line(self, event):
        self.send_json({"lines": event["lines"]})


class MembersConsumer(AsyncWebsocketConsumer):
    greeting = ""

    def __init__(self, *args, greeting, **kwargs):
        super().__init__(*args, **kwargs)
        self.greeting = greeting

    async def connect(self):
        await self.accept(subprotocol="members" if self.scope["subprotocols"] else None)
        await self.send(text_data=f"{self.greeting}: {self.scope['user']}")

    async def receive(self, text_data=None, bytes_data=None):
        if bytes_data is not None:
            await self.send(bytes_data=bytes_data[::-1], close=4001)
        elif text_data == "logout":
            await logout(self.scope)
        elif text_data:
            user, _ = await get_user_model().objects.aget_or_create(username=text_data)
            await login(self.scope, user, "django.contrib.auth.backends.ModelBackend")
            await database_sync_to_async(self.scope["session"].save)()
        await self.send(text_data=str(await get_user(self.scope)))


class EventsConsumer(AsyncHttpConsumer):
    async def handle(self, body):
        await self.send_headers(headers=[(b"Content-Type", b"text/event-stream")])
        for number in range(self.scope["url_route"]["kwargs"]["count"]):
            await self.send_body(b"data: %d\n\n" % number, more_body=True)
        await self.send_body(b"")


class CleanUpConsumer(SyncConsumer):
    def clean(self, message):
        Line.objects.filter(room=message["room"]).delete()
        async_to_sync(self.channel_layer.send)(message["answer"], {"type": "cleaned"})
        raise StopConsumer()
