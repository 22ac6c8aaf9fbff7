"""Step 7: as before; ordering is the consumers' wish."""

from channels.routing import route
from project.getting_started.step_7_ordering.consumers import ws_connect, ws_disconnect, ws_message

channel_routing = [
    route("websocket.connect", ws_connect),
    route("websocket.receive", ws_message),
    route("websocket.disconnect", ws_disconnect),
]
