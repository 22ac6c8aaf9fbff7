from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
import json

class AsyncChatConsumer_channel(AsyncWebsocketConsumer):
    async def connect(self):
        self.room_name = self.scope['url_route']['kwargs']['room_name']
        self.room_group_name = f'chat_{self.room_name}'

        # 加入group
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()
        await self.send_group(f"Server: {self.channel_name}加入了.")

    async def send_group(self, message, type='chat_message'):
        # 向组发送消息
        await  self.channel_layer.group_send(
            self.room_group_name,
            {
                "type": type,  # 消息类型
                "message": message
            }
        )

    async def disconnect(self, code):
        await  self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        data = text_data
        if bytes_data:
            data = bytes_data.decoce()

        message = json.loads(data)["message"]

        # 向组发送消息
        # self.send_group(message)
        await  self.channel_layer.group_send(
            self.room_group_name,
            {
                "type": "chat_message",  # 消息类型
                "message": f"{self.channel_name}说: {message}"
            }
        )

    async def chat_message(self, event):
        "type: chat_message"
        message = event["message"]
        await self.send(text_data=json.dumps({'message': message}))
