"""Which consumer a message goes to.

Users import these names from `channels.routing`.
"""

from routing.audit import find_doubts
from routing.defaults import connect_consumer, null_consumer
from routing.errors import InvalidRoute
from routing.router import Router
from routing.routes import Include, Route, RouteClass

#: Lower case, as in a urls.py.
route = Route
route_class = RouteClass
include = Include

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
