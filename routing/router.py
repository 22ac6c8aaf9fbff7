"""The Router: one lookup by channel, then the few routes of that channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from routing.defaults import (
    connect_consumer,
    make_departure_route,
    make_http_route,
    make_live_page_routes,
    make_socket_routes,
)
from routing.errors import blame
from routing.matching import AnyCandidate, Candidate, Match, Table
from routing.routes import Include, Routable, Route, resolve_routing
from routing.texts import show

if TYPE_CHECKING:
    from channels.message import Message
    from routing.routes import Consumer, Routing


class Router:
    """All routes of a channel layer.

    Args:
        routing: as for Include: a list of routes, a dict, or the dotted path of either.

    Raises InvalidRoute, whose text begins with the route that is wrong.

    Attributes:
        channels: the names of all channels that have a route, as a set.
        match: returns (consumer, keyword arguments) of the first route that matches a Message, or
            None.
    """

    channels: set[str]
    match: Callable[[Message], Match | None]

    def __init__(self, routing: Routing) -> None:
        self.root = _Root(routing)
        self._first_routes: list[Any] = []
        #: Whether an ASGI application has the sockets that no route takes.
        self._shares_sockets = False
        self._default_routes: list[Route] = []
        self._compile()

    def add_route(self, route: Routable) -> None:
        """Add one more route behind the project's others (and before the defaults)."""
        self.root.add(route)
        self._compile()

    def check_default(
        self,
        http_consumer: Consumer | None = None,
        *,
        with_sockets: bool = True,
        with_http: bool = True,
        named: Mapping[str, Consumer] | None = None,
    ) -> None:
        """Put the default routes behind the project's own; a second call replaces the first one's.

        Django's views get http.request (or `http_consumer` does: it may serve static files too),
        websocket.connect is accepted, and the rest of both protocols is let go by. Ahead of all
        routes stand those of the live page, where that is installed. `with_sockets`,
        `with_http`: False if an ASGI application gets what no route takes. `named`: consumers of
        other channels that have no route, by channel.

        A socket whose frames a route takes is none of the application's: without a route for its
        connect it is accepted, as ever.
        """
        self._shares_sockets = not with_sockets
        routes = [make_departure_route()]
        if with_sockets:
            routes = make_socket_routes(self._tell_connect_routes)
        own = self._own_table.rows.get("http.request", ())
        if with_http and not any(candidate.takes_all for candidate in own):
            routes.append(make_http_route(http_consumer))
        routes += [Route(channel, consumer) for channel, consumer in (named or {}).items()]
        self._first_routes = make_live_page_routes()
        self._default_routes = routes
        self._compile()

    def candidates(self) -> Iterator[tuple[str, AnyCandidate]]:
        """Yield (channel, candidate) for the project's own routes, even those never reached."""
        return self.root.candidates()

    @staticmethod
    def resolve_routing(routing: Routing) -> Sequence[Any]:
        """Return the list of routes that a dotted path, list or dict means. Raises InvalidRoute."""
        with blame(f"ROUTING {show(routing)}"):
            return resolve_routing(routing)

    def _tell_connect_routes(self) -> list[str]:
        """The project's own routes of `websocket.connect`, as they stand in its routing."""
        return [repr(one.route) for one in self._own_table.rows.get("websocket.connect", ())]

    def _compile(self) -> None:
        own: list[tuple[str, AnyCandidate]] = list(self.root.candidates())
        self._own_table = Table(own)
        defaults = _pairs(self._default_routes)
        if self._shares_sockets:
            defaults += _accept_who_sends(self._own_table.rows.get("websocket.receive", ()))
        table = Table([*_pairs(self._first_routes), *own, *defaults])
        self.channels, self.match = set(table.rows), table.match


def _pairs(routes: Sequence[Any]) -> list[tuple[str, AnyCandidate]]:
    return [pair for route in routes for pair in route.candidates()]


def _accept_who_sends(receivers: Sequence[AnyCandidate]) -> list[tuple[str, AnyCandidate]]:
    """What accepts the sockets whose frames these candidates take: told by their paths, as a
    handshake has no text."""
    return [
        (
            "websocket.connect",
            Candidate(
                connect_consumer, tuple(s for s in one.patterns if s[0] == "path"), one.route
            ),
        )
        for one in receivers
    ]


class _Root(Include):
    """The whole routing; nothing is ever added to the project's own list."""

    def __init__(self, routing: Routing) -> None:
        self._text = f"ROUTING {show(routing)}"
        with blame(self._text):
            self.routing = list(resolve_routing(routing))
        self.prefixes = {}

    def add(self, route: Routable) -> None:
        """Put one more route behind the others."""
        self.routing = [*self.routing, route]
