"""Routes by path, as a 1.x project has them."""

from channels.routing import route
from classic import consumers

channel_routing = [
    route("websocket.connect", consumers.accept, path=r"^/ws/(?:echo|idle)/$"),
    route("websocket.receive", consumers.echo, path=r"^/ws/echo/$"),
    route("websocket.connect", consumers.ordered_accept, path=r"^/ws/ordered/$"),
    route("websocket.receive", consumers.ordered_echo, path=r"^/ws/ordered/$"),
    route("websocket.connect", consumers.session_accept, path=r"^/ws/session(?:-count)?/$"),
    route("websocket.receive", consumers.session_echo, path=r"^/ws/session/$"),
    route("websocket.receive", consumers.session_count, path=r"^/ws/session-count/$"),
    route("websocket.connect", consumers.group_accept, path=r"^/ws/group/$"),
    route("websocket.receive", consumers.group_say, path=r"^/ws/group/$"),
    route("websocket.disconnect", consumers.group_leave, path=r"^/ws/group/$"),
    route("bench.noop", consumers.noop),
]
