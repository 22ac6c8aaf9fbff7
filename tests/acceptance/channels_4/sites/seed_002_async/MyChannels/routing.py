from django.urls import path
from . import consumers

#MyChannels/routing.py
ws_urlpatterns = [
    # path('ws/chat/<slug:room_name>/', consumers.ChatConsumer),
    # path('ws/chat/<slug:room_name>/', consumers.ChatConsumer_channel),
    path('ws/chat/<slug:room_name>/', consumers.AsyncChatConsumer_channel),
]
