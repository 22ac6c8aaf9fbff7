"""The consumers of channels for which a project names none."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.apps import apps

from routing.errors import blame
from routing.loading import load_object
from routing.routes import Route

if TYPE_CHECKING:
    from channels.message import Message
    from routing.routes import Consumer

logger = logging.getLogger("django.channels")

#: What takes http.request: a class, instantiated without arguments. By its path, since Django's
#: request handling is not to be imported by processes that only look at routes.
VIEW_CONSUMER = "channels.handler.ViewConsumer"


def null_consumer(*args: Any, **kwargs: Any) -> None:
    """Do nothing with the message."""


def connect_consumer(message: Message, *args: Any, **kwargs: Any) -> None:
    """Accept the WebSocket."""
    message.reply_channel.send({"accept": True})


class UnroutedConnect:
    """Accepts the sockets whose path has no route, as Channels 1.x did, and says so: once for each
    kind of path.

    Args:
        tell_routes: returns the routes that `websocket.connect` has, as text.
    """

    #: So many kinds of path are told apart; after that nothing is told.
    MOST_KINDS = 100

    def __init__(self, tell_routes: Callable[[], list[str]]) -> None:
        self._tell_routes = tell_routes
        self._told: set[str] = set()

    def __call__(self, message: Message, **kwargs: Any) -> None:
        self._tell(str(message.get("path")))
        connect_consumer(message)

    def _tell(self, path: str) -> None:
        kind = kind_of_path(path)
        if kind in self._told or len(self._told) >= self.MOST_KINDS:
            return
        self._told.add(kind)
        logger.info(
            "no route takes a WebSocket to %s: it is accepted, and what it sends is ignored; the "
            "routes of websocket.connect are: %s",
            kind,
            "; ".join(self._tell_routes()) or "none",
        )


def kind_of_path(path: str) -> str:
    """Return `path` with an ellipsis for each part that looks like somebody's id."""
    return re.sub(r"(?<=/)(?:[^/]*\d[^/]*|[^/]{33,})", "…", path)


def make_http_route(consumer: Consumer | None = None) -> Route:
    """Return the route of all HTTP requests to `consumer`, by default to Django's views."""
    return Route("http.request", _load_view_consumer() if consumer is None else consumer)


def _load_view_consumer() -> Consumer:
    with blame("the default route of http.request"):
        consumer: Consumer = load_object(VIEW_CONSUMER)()
        return consumer


def make_socket_routes(tell_routes: Callable[[], list[str]]) -> list[Route]:
    """Return the routes that accept every WebSocket, and let go by what else a client does."""
    return [
        Route("websocket.connect", UnroutedConnect(tell_routes)),
        Route(["websocket.receive", "websocket.disconnect", "http.disconnect"], null_consumer),
    ]


def make_departure_route() -> Route:
    """Return the route that lets go by that a client has left before its response was there."""
    return Route("http.disconnect", null_consumer)


def make_live_page_routes() -> list[Any]:
    """Return the routes of the live page's WebSocket, if that app is installed."""
    if not (apps.ready and apps.is_installed("channels.monitor")):
        return []
    with blame("the routes of the live page"):
        routes: list[Any] = load_object("channels.monitor.routing.routes")
        return routes
