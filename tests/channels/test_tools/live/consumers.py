"""Sockets."""

from channels import Group
from channels.generic.websockets import WebsocketConsumer
from channels.routing import route_class


class Echo(WebsocketConsumer):
    groups = ["everyone"]

    def receive(self, text=None, bytes=None, **kwargs):
        self.send(text=text.upper())
        if text == "all":
            Group("everyone").send({"text": "to all"})


routing = [route_class(Echo, path="^/echo/")]
