"""The routes of the live page; the router adds them by itself where the app is installed."""

from channels.monitor.consumers import connect, receive
from channels.routing import null_consumer, route

#: Where the page's WebSocket goes. It does not depend on where the admin is.
PATH = r"^/-/channels/live/$"

routes = [
    route("websocket.connect", connect, path=PATH),
    route("websocket.receive", receive, path=PATH),
    route("websocket.disconnect", null_consumer, path=PATH),
]
