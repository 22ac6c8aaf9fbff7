"""The routes of the chat: its sockets, below the path that includes them, and its channel."""

from channels.routing import route
from project.chat import consumers

websocket_routing = [
    route("websocket.connect", consumers.ws_connect, path=r"^/(?P<slug>[a-z0-9_-]+)/$"),
    route("websocket.receive", consumers.ws_message, path=r"^/(?P<slug>[a-z0-9_-]+)/$"),
    route("websocket.disconnect", consumers.ws_disconnect, path=r"^/(?P<slug>[a-z0-9_-]+)/$"),
]

background_routing = [
    route("chat-messages", consumers.msg_consumer),
]
