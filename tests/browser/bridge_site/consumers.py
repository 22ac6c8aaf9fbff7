"""The socket of the page, with two streams: the binding, and an echo."""

from channels import Group
from channels.generic.websockets import JsonWebsocketConsumer, WebsocketDemultiplexer
from channels.routing import route_class
from tests.browser.bridge_site.bindings import ItemBinding


class Echo(JsonWebsocketConsumer):
    def receive(self, content, multiplexer, **kwargs):
        multiplexer.send({"echo": content})


class Streams(WebsocketDemultiplexer):
    consumers = {"items": ItemBinding.consumer, "echo": Echo}
    groups = ["items"]
    strict_ordering = True

    def connect(self, message, **kwargs):
        super().connect(message, **kwargs)
        Group("items").send({"text": '{"joined": true}'})


routing = [route_class(Streams, path="^/items/$")]
