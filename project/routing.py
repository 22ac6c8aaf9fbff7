"""Which consumer each message goes to. Pages need no line here: Django's views get http.request."""

from channels.routing import include

channel_routing = [
    include("project.chat.routing.websocket_routing", path=r"^/chat/stream"),
    include("project.chat.routing.background_routing"),
    include("project.getting_started.routing.channel_routing"),
    include("project.liveblog.routing.channel_routing", path=r"^/liveblog/stream/$"),
    include("project.multichat.routing.websocket_routing", path=r"^/multichat/stream/$"),
    include("project.multichat.routing.command_routing"),
    include("project.databinding.routing.channel_routing", path=r"^/databinding/stream"),
    include("project.thumbnails.routing.websocket_routing", path=r"^/thumbnails/stream/$"),
    include("project.thumbnails.routing.background_routing"),
    include("project.polling.routing.channel_routing"),
]
