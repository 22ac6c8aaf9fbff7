"""Channels of members only."""

from channels.routing import route

from . import consumers

routing = [
    route("websocket.connect", consumers.member_connect),
    route("websocket.receive", consumers.member_receive),
]
