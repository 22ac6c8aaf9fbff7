#MyChannels/routing.py
from django.urls import path, include
from . import consumers

ws_urlpatterns = [
    path('ws/chat/<slug:room_name>/', consumers.ChatConsumer),
]
