from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path as url

from chat.consumers import (
    AdminChatConsumer,
    ChattyBotConsumer,
    LogConsumer,
    PingConsumer,
    PublicChatConsumer,
)

application = URLRouter([
    url(r"^chat/admin/$", AdminChatConsumer),
    url(r"^chat/$", PublicChatConsumer),
])

single = application

application = ProtocolTypeRouter({

    "websocket": URLRouter([
        url(r"^chat/admin/$", AdminChatConsumer),
        url(r"^chat/$", PublicChatConsumer),
    ]),

    "telegram": ChattyBotConsumer,
})

application = ProtocolTypeRouter({
    **application.application_mapping,
    "websocket": URLRouter([
        path("ping/", PingConsumer),
        path("log/", LogConsumer),
        path("single/", single),
        path("", application.application_mapping["websocket"]),
    ]),
})
