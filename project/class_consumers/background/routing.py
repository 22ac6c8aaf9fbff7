"""Which WebSocket and which channel go to the background work."""

from django.urls import path

from project.class_consumers.background import consumers

websocket_urlpatterns = [
    path("ws/background/", consumers.ProgressConsumer.as_asgi()),
]
channel_names = {"slow-count": consumers.CountConsumer.as_asgi()}
