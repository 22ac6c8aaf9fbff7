"""Which WebSocket goes to the notices."""

from django.urls import path

from project.class_consumers.notices import consumers

websocket_urlpatterns = [
    path("ws/notices/", consumers.NoticeConsumer.as_asgi()),
]
