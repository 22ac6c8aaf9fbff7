"""Which consumer each message goes to. Pages need no line here: Django's views get http.request."""

from channels.routing import include

channel_routing = [
    include("project.chat.routing.websocket_routing", path=r"^/chat/stream"),
    include("project.chat.routing.background_routing"),
]
