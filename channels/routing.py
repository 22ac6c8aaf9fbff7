"""What routes of each generation are made of: `route`, `route_class`, `include` and the Router of
1.x; `ProtocolTypeRouter`, `URLRouter` and `ChannelNameRouter` of Channels 2 and later."""

from channels.applications.default import get_default_application
from channels.applications.protocols import ChannelNameRouter, ProtocolTypeRouter
from channels.applications.urls import URLRouter
from channels.startup.rooms import load_room

load_room("routing")

from routing import (  # noqa: E402  (only once the room is known to be ours)
    Include,
    InvalidRoute,
    Route,
    RouteClass,
    Router,
    connect_consumer,
    find_doubts,
    include,
    null_consumer,
    route,
    route_class,
)

__all__ = [
    "ChannelNameRouter",
    "Include",
    "InvalidRoute",
    "ProtocolTypeRouter",
    "Route",
    "RouteClass",
    "Router",
    "URLRouter",
    "connect_consumer",
    "find_doubts",
    "get_default_application",
    "include",
    "null_consumer",
    "route",
    "route_class",
]
