"""Step 3: the three channels of a WebSocket's life."""

from channels.routing import route
from project.getting_started.step_3_groups.consumers import ws_add, ws_disconnect, ws_message

channel_routing = [
    route("websocket.connect", ws_add),
    route("websocket.receive", ws_message),
    route("websocket.disconnect", ws_disconnect),
]
