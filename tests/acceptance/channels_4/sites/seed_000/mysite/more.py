from asgiref.sync import async_to_sync
from channels.auth import AuthMiddlewareStack
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import JsonWebsocketConsumer
from channels.routing import ChannelNameRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

from chat import tasks as consumers
from chat.login import QueryAuthMiddleware
from chat.mine import BroadcastConsumer
from chat.noted import AcceptedConsumer


class LongPollConsumer(AsyncHttpConsumer):
    async def handle(self, body):
        stream = self.scope["url_route"]["kwargs"].get("stream", "all")
        await self.send_response(200, stream.encode())


class WhoConsumer(JsonWebsocketConsumer):
    def connect(self):
        self.accept()
        self.send_json(str(self.scope["user"]))


class TaskConsumer(JsonWebsocketConsumer):
    """Inside a consumer."""

    def receive_json(self, content):
        async_to_sync(self.channel_layer.send)(
            "thumbnails-generate",
            {
                "type": "generate",
                "id": content,
            },
        )


def more(application):
    """The other blocks of the seed, beside the first one."""
    http = URLRouter([
    re_path(r"^longpoll/$", LongPollConsumer.as_asgi()),
    re_path(r"^notifications/(?P<stream>\w+)/$", LongPollConsumer.as_asgi()),
    re_path(r"", get_asgi_application()),])
    channel = ChannelNameRouter({
            "thumbnails-generate": consumers.GenerateConsumer.as_asgi(),   # 根据channel_name路由分发请求
            "thumbnails-delete": consumers.DeleteConsumer.as_asgi(),})
    goodsite = OriginValidator(
        AuthMiddlewareStack(URLRouter([path("good/", WhoConsumer.as_asgi())])),
        [".goodsite.com", "http://.goodsite.com:80", "http://other.site.com"],
    )
    websocket = URLRouter([
        re_path(r"^(?=good/)", goodsite),
        path("query/", QueryAuthMiddleware(WhoConsumer.as_asgi())),
        path("mine/", BroadcastConsumer.as_asgi()),
        path("noted/", AcceptedConsumer.as_asgi()),
        path("task/", TaskConsumer.as_asgi()),
        re_path(r"", application.application_mapping["websocket"]),
    ])
    return {"http": http, "channel": channel, "websocket": websocket}
