"""An asgi.py and its consumer as Channels 4 teaches them: nothing here is wrong."""

from typing import Any

from django.core.asgi import get_asgi_application
from django.urls import path

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer
from channels.layers import get_channel_layer
from channels.middleware import BaseMiddleware
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from channels.testing import WebsocketCommunicator


class Echo(WebsocketConsumer):
    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.send(text_data=text_data)


class Chat(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.channel_layer.group_send("chat", {"type": "chat.message", "text": content})

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send_json(event["text"])


class Stamp(BaseMiddleware):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await super().__call__({**scope, "stamp": 1}, receive, send)


routes = [path("echo/", Echo.as_asgi()), path("chat/", Chat.as_asgi())]
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(Stamp(URLRouter(routes)))),
        "channel": ChannelNameRouter({"clean-up": Chat.as_asgi()}),
    }
)
guests = SessionMiddlewareStack(URLRouter(routes))


async def say(text: str) -> Any:
    talk = WebsocketCommunicator(application, "/echo/")
    await talk.connect()
    await talk.send_to(text_data=text)
    layer = get_channel_layer()
    await layer.group_send("chat", {"type": "chat.message", "text": text})
    return await talk.receive_from()
