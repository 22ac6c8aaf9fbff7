"""`route`, `route_class`, `include` and the Router, at their Channels 1.x import path."""

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
    "Include",
    "InvalidRoute",
    "Route",
    "RouteClass",
    "Router",
    "connect_consumer",
    "find_doubts",
    "include",
    "null_consumer",
    "route",
    "route_class",
]
