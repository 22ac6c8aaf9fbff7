"""Step 5: as in step 3; who somebody is, the decorators find out."""

from channels.routing import route
from project.getting_started.step_5_users.consumers import ws_add, ws_disconnect, ws_message

channel_routing = [
    route("websocket.connect", ws_add),
    route("websocket.receive", ws_message),
    route("websocket.disconnect", ws_disconnect),
]
