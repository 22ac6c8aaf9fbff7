"""Channels 4's application: Django's views and the consumers in one process."""

from django.core.asgi import get_asgi_application
from django.urls import path

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter

http = get_asgi_application()

import consumers  # noqa: E402  (after Django is set up, as the documentation of Channels 4 asks)

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter(
            [
                path("ws/echo/", consumers.AsyncEcho.as_asgi()),
                path("ws/idle/", consumers.AsyncEcho.as_asgi()),
                path("ws/group/", consumers.AsyncGroup.as_asgi()),
                path("ws/direct/", consumers.AsyncDirect.as_asgi()),
                path("ws/count/", consumers.AsyncCount.as_asgi()),
                path("sync/sleep/", consumers.SyncSleep.as_asgi()),
                path("sync/echo/", consumers.SyncEcho.as_asgi()),
                path("sync/idle/", consumers.SyncEcho.as_asgi()),
                path("sync/group/", consumers.SyncGroup.as_asgi()),
            ]
        ),
        "channel": ChannelNameRouter({"bench-noop": consumers.Background.as_asgi()}),
    }
)
