"""The Router: one lookup by channel, then the few routes of that channel."""

from routing.defaults import (
    make_departure_route,
    make_http_route,
    make_live_page_routes,
    make_socket_routes,
)
from routing.errors import blame
from routing.matching import build_table, find_match
from routing.routes import Include, resolve_routing
from routing.texts import show


class Router:
    """All routes of a channel layer.

    Args:
        routing: as for Include: a list of routes, a dict, or the dotted path of either.

    Raises InvalidRoute, whose text begins with the route that is wrong.

    Attributes:
        channels: the names of all channels that have a route, as a set.
    """

    def __init__(self, routing):
        self.root = _Root(routing)
        self._first_routes = []
        self._default_routes = []
        self._compile()

    def match(self, message):
        """Return (consumer, keyword arguments) of the first route that matches, or None."""
        return find_match(self._table.get(message.channel.name, ()), message)

    def add_route(self, route):
        """Add one more route behind the project's others (and before the defaults)."""
        self.root.routing.append(route)
        self._compile()

    def check_default(self, http_consumer=None, *, with_sockets=True):
        """Put the default routes behind the project's own; a second call replaces the first one's.

        Django's views get http.request (or `http_consumer` does: it may serve static files too),
        websocket.connect is accepted, and the rest of both protocols is let go by. Ahead of all
        routes stand those of the live page, where that is installed. `with_sockets`: False if an
        ASGI application has the WebSockets that no route takes.
        """
        routes = make_socket_routes() if with_sockets else [make_departure_route()]
        if not any(candidate.takes_all for candidate in self._own_table.get("http.request", ())):
            routes.append(make_http_route(http_consumer))
        self._first_routes = make_live_page_routes()
        self._default_routes = routes
        self._compile()

    def candidates(self):
        """Yield (channel, candidate) for the project's own routes, even those never reached."""
        return self.root.candidates()

    @staticmethod
    def resolve_routing(routing):
        """Return the list of routes that a dotted path, list or dict means. Raises InvalidRoute."""
        with blame(f"ROUTING {show(routing)}"):
            return resolve_routing(routing)

    def _compile(self):
        own = list(self.root.candidates())
        defaults = [pair for route in self._default_routes for pair in route.candidates()]
        first = [pair for route in self._first_routes for pair in route.candidates()]
        self._own_table = build_table(own)
        self._table = build_table(first + own + defaults)
        self.channels = set(self._table)


class _Root(Include):
    """The whole routing; its list is a copy, so that nothing is ever added to the project's own."""

    def __init__(self, routing):
        self._text = f"ROUTING {show(routing)}"
        with blame(self._text):
            self.routing = list(resolve_routing(routing))
        self.prefixes = {}
