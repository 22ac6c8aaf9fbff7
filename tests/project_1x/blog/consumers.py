"""Consumers of every kind that there was."""

import json

from django.http import HttpResponse

from channels import Channel, Group
from channels.auth import (
    channel_and_http_session_user_from_http,
    channel_session_user,
    channel_session_user_from_http,
)
from channels.exceptions import DenyConnection, WebsocketCloseException
from channels.generic import BaseConsumer
from channels.generic.websockets import (
    JsonWebsocketConsumer,
    WebsocketConsumer,
    WebsocketDemultiplexer,
)
from channels.handler import AsgiHandler, AsgiRequest, ViewConsumer
from channels.security.websockets import allowed_hosts_only
from channels.sessions import channel_session, enforce_ordering

from .bindings import ChatMessageBinding, PostBinding
from .models import ChatMessage

# Chat, with functions


@enforce_ordering
@channel_session
def ws_connect(message, room):
    message.channel_session["room"] = room
    Group("chat-%s" % room).add(message.reply_channel)
    message.reply_channel.send({"accept": True})


@enforce_ordering
@channel_session
def ws_receive(message):
    Channel("chat-messages").send(
        {
            "room": message.channel_session["room"],
            "message": message["text"],
        }
    )


@enforce_ordering
@channel_session
def ws_disconnect(message):
    Group("chat-%s" % message.channel_session["room"]).discard(message.reply_channel)


def msg_consumer(message):
    ChatMessage.objects.create(
        room=message.content["room"],
        message=message.content["message"],
    )
    Group("chat-%s" % message.content["room"]).send({"text": message.content["message"]})


# Members


@allowed_hosts_only
@channel_session_user_from_http
def member_connect(message):
    if not message.user.is_authenticated:
        raise DenyConnection()
    message.reply_channel.send({"accept": True, "text": message.user.username})


@channel_session_user
def member_receive(message):
    if message["text"] == "out":
        raise WebsocketCloseException(4003)
    message.reply_channel.send({"text": "%s: %s" % (message.user.username, message["text"])})


# Classes


class PostConsumer(WebsocketConsumer):
    http_user_and_session = True
    strict_ordering = True

    def connection_groups(self, slug, **kwargs):
        return ["liveblog-%s" % slug]

    def connect(self, message, **kwargs):
        super(PostConsumer, self).connect(message, **kwargs)
        message.channel_session["seen"] = 0

    def receive(self, text=None, bytes=None, **kwargs):
        self.message.channel_session["seen"] += 1
        self.send(text="%s %s" % (kwargs["slug"], self.message.channel_session["seen"]))
        if text == "bye":
            self.close()


class Counter(BaseConsumer):
    method_mapping = {
        "websocket.connect": "accept",
        "websocket.receive": "count",
    }
    channel_session = True
    step = 1

    def accept(self, message, **kwargs):
        message.reply_channel.send({"accept": True})

    def count(self, message, **kwargs):
        count = message.channel_session.get("count", 0) + self.step
        message.channel_session["count"] = count
        message.reply_channel.send({"text": json.dumps(count)})


class EchoConsumer(JsonWebsocketConsumer):
    def connect(self, message, multiplexer, **kwargs):
        multiplexer.send({"status": "I just connected!"})

    def receive(self, content, multiplexer, **kwargs):
        multiplexer.send({"original_message": content})

    def disconnect(self, message, multiplexer, **kwargs):
        Group("left").send({"text": multiplexer.stream})


class Demultiplexer(WebsocketDemultiplexer):
    http_user = True
    consumers = {
        "echo": EchoConsumer,
        "messages": ChatMessageBinding.consumer,
        "posts": PostBinding.consumer,
    }

    def connection_groups(self):
        return ["messages-updates", "posts-updates"]


# HTTP


@channel_and_http_session_user_from_http
def http_consumer(message):
    request = AsgiRequest(message)
    response = HttpResponse("Hello %s! You asked for %s" % (message.user or "nobody", request.path))
    for chunk in AsgiHandler.encode_response(response):
        message.reply_channel.send(chunk)


class PageHandler(AsgiHandler):
    """Nothing of its own."""


PageConsumer = type("PageConsumer", (ViewConsumer,), {"handler_class": PageHandler})()
