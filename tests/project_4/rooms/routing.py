from django.urls import path, re_path

from rooms import consumers

websocket_urlpatterns = [
    path("ws/rooms/<slug:name>/", consumers.RoomConsumer.as_asgi()),
    path("ws/sync/<slug:name>/", consumers.SyncRoomConsumer.as_asgi()),
    re_path(r"^ws/members/$", consumers.MembersConsumer.as_asgi(greeting="members only")),
]


def http_urlpatterns(django_application):
    return [
        path("events/<int:count>/", consumers.EventsConsumer.as_asgi()),
        re_path(r"", django_application),
    ]
