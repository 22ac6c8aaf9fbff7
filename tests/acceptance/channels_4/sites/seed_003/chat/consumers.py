import asyncio

from channels.consumer import AsyncConsumer
from channels.generic.websocket import WebsocketConsumer

from chat.models import Log

class ChatConsumer(WebsocketConsumer):

    def connect(self):
        self.username = "Anonymous"
        self.accept()
        self.send(text_data="[Welcome %s!]" % self.username)

    def receive(self, *, text_data):
        if text_data.startswith("/name"):
            self.username = text_data[5:].strip()
            self.send(text_data="[set your username to %s]" % self.username)
        else:
            self.send(text_data=self.username + ": " + text_data)

    def disconnect(self, message):
        pass

class LogConsumer(WebsocketConsumer):

    def connect(self, message):
        Log.objects.create(
            type="connected",
            client=self.scope["client"],
        )

class PingConsumer(AsyncConsumer):
    async def websocket_connect(self, message):
        await self.send({
            "type": "websocket.accept",
        })

    async def websocket_receive(self, message):
        await asyncio.sleep(1)
        await self.send({
            "type": "websocket.send",
            "text": "pong",
        })

class AdminChatConsumer(ChatConsumer):
    pass


class PublicChatConsumer(ChatConsumer):
    pass


class ChattyBotConsumer(AsyncConsumer):
    async def telegram_message(self, message):
        await self.channel_layer.send("answers", {"type": "answer", "text": message["text"].upper()})
