"""The consumers of channels for which a project names none."""

from django.apps import apps

from routing.errors import blame
from routing.loading import load_object
from routing.routes import Route

#: What takes http.request: a class, instantiated without arguments. By its path, since Django's
#: request handling is not to be imported by processes that only look at routes.
VIEW_CONSUMER = "channels.handler.ViewConsumer"


def null_consumer(*args, **kwargs):
    """Do nothing with the message."""


def connect_consumer(message, *args, **kwargs):
    """Accept the WebSocket."""
    message.reply_channel.send({"accept": True})


def make_http_route(consumer=None):
    """Return the route of all HTTP requests to `consumer`, by default to Django's views."""
    if consumer is None:
        with blame("the default route of http.request"):
            consumer = load_object(VIEW_CONSUMER)()
    return Route("http.request", consumer)


def make_socket_routes():
    """Return the routes that accept every WebSocket, and let go by what else a client does."""
    return [
        Route("websocket.connect", connect_consumer),
        Route(["websocket.receive", "websocket.disconnect", "http.disconnect"], null_consumer),
    ]


def make_departure_route():
    """Return the route that lets go by that a client has left before its response was there."""
    return Route("http.disconnect", null_consumer)


def make_live_page_routes():
    """Return the routes of the live page's WebSocket, if that app is installed."""
    if not apps.is_installed("channels.monitor"):
        return []
    with blame("the routes of the live page"):
        return load_object("channels.monitor.routing.routes")
