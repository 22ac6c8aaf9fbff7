from channels.routing import route
from myapp.consumers import my_consumer, ws_connect, ws_disconnect

channel_routing = [
    route("http.request", my_consumer),
    route("websocket.connect", ws_connect),
    route("websocket.disconnect", ws_disconnect),
]
