from django.urls import path

from . import consumers

websocket_urlpatterns = [ # 路由，指定 websocket 链接对应的 consumer
    path('ws/chat/<str:room_name>/', consumers.ChatConsumer),
]

from .announced import AnnouncedConsumer

websocket_urlpatterns.append(path("ws/announced/<str:room_name>/", AnnouncedConsumer))
