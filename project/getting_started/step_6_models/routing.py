"""Step 6: one route is to a channel of our own, which any worker may take from."""

from channels.routing import route
from project.getting_started.step_6_models.consumers import (
    msg_consumer,
    ws_connect,
    ws_disconnect,
    ws_message,
)

channel_routing = [
    route("websocket.connect", ws_connect, path=r"^/[a-zA-Z0-9_]+/$"),
    route("websocket.receive", ws_message, path=r"^/[a-zA-Z0-9_]+/$"),
    route("websocket.disconnect", ws_disconnect, path=r"^/[a-zA-Z0-9_]+/$"),
]

background_routing = [
    route("step6-messages", msg_consumer),
]
