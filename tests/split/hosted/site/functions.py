"""Sockets of functions, beside those of classes."""

from channels import Group
from channels.routing import route


def join(message):
    message.reply_channel.send({"accept": True})
    Group("all").add(message.reply_channel)


def echo(message):
    message.reply_channel.send({"text": "function: " + message["text"]})


channel_routing = [
    route("websocket.connect", join, path=r"^/functions/"),
    route("websocket.receive", echo, path=r"^/functions/"),
]
