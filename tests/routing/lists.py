"""Routings that the tests name by their dotted paths."""

from channels.routing import route

chat_routing = [route("websocket.connect", "tests.routing.consumers.ws_connect", path=r"^/room$")]

as_dict = {"websocket.connect": "tests.routing.consumers.ws_connect"}

not_a_routing = 7
