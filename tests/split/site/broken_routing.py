"""Routing with one mistake each, by the name of the list."""

from channels.routing import route

unknown_consumer = [route("websocket.receive", "tests.split.site.consumers.ws_recieve")]
