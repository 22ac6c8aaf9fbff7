"""The routes of the live blog, below the path that includes them."""

from channels.routing import route
from project.liveblog.consumers import ws_connect, ws_disconnect

channel_routing = [
    route("websocket.connect", ws_connect),
    route("websocket.disconnect", ws_disconnect),
]
