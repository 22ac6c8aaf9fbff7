"""Which WebSocket goes to the counter."""

from django.urls import path

from project.class_consumers.counter import consumers

websocket_urlpatterns = [
    path("ws/counter/", consumers.CounterConsumer.as_asgi()),
]
