"""Consumers that can be called, and would do nothing with a message."""

import functools

import pytest

from channels.binding.websockets import WebsocketBinding
from channels.generic.websocket import WebsocketConsumer as LaterConsumer
from channels.generic.websockets import WebsocketConsumer
from channels.routing import InvalidRoute, Router, include, route, route_class
from channels.sessions import channel_session


class Chat(WebsocketConsumer):
    """A class consumer of 1.x."""


class Echo(LaterConsumer):
    """A class consumer of Channels 2 and later."""


class Numbers(WebsocketBinding):
    """A binding."""

    model = None


class Plain:
    """A class that is called with a message, and keeps it."""

    def __init__(self, message):
        self.message = message


def parts(message):
    yield message["text"]


async def async_parts(message):
    yield message["text"]


class Yielding:
    """An object that is called, and yields."""

    def __call__(self, message):
        yield message["text"]

    def method(self, message):
        yield message["text"]


def refusal(made):
    with pytest.raises(InvalidRoute) as caught:
        Router([made])
    return str(caught.value)


@pytest.mark.parametrize(
    "consumer",
    [
        parts,
        async_parts,
        Yielding(),
        Yielding().method,
        channel_session(parts),
        channel_session(async_parts),
        functools.partial(parts),
    ],
)
def test_a_consumer_with_a_yield_is_refused_at_start_up_and_told_to_send(consumer):
    text = refusal(route("websocket.receive", consumer))
    assert text.startswith("route('websocket.receive', ")
    assert "has a `yield` in it" in text
    assert "message.reply_channel.send(...)" in text


def test_a_class_is_refused_with_what_to_make_of_it():
    assert "write route_class(Plain, ...)" in refusal(route("websocket.receive", Plain))


def test_a_class_consumer_is_refused_on_a_channel_that_it_has_no_method_for():
    text = refusal(route("websocket.close", Chat))
    assert "method_mapping lacks 'websocket.close'" in text or "did you mean" in text
    assert "method_mapping lacks 'chat.say'" in refusal(route("chat.say", Chat))


def test_a_class_consumer_on_a_channel_of_its_own_is_called_as_in_1_x():
    assert Router([route("websocket.receive", Chat)]).channels == {"websocket.receive"}
    assert Router([route_class(Chat)]).channels == set(Chat.method_mapping)


def test_a_class_consumer_of_channels_2_is_sent_to_the_asgi_application():
    text = refusal(route("websocket.receive", Echo))
    assert "Echo.as_asgi()" in text
    assert "ASGI_APPLICATION" in text


def test_a_binding_is_routed_to_by_its_consumer():
    assert "Numbers.consumer" in refusal(route("websocket.receive", Numbers))
    assert Router([route("websocket.receive", Numbers.consumer)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: include([route("x.y", lambda: None)]),
        lambda: route("x.y", lambda: None),
        lambda: route("a b", parts),
        lambda: route("websocket.recieve", parts),
        lambda: route("x", "nowhere.at.all"),
        lambda: route("x", parts, path="("),
        lambda: route_class(Plain),
        lambda: include("nowhere.at.all"),
        lambda: include([], path="("),
        lambda: include([], path=3),
    ],
)
def test_what_is_wrong_with_a_route_that_nobody_uses_stops_nothing(make):
    made = make()
    assert Router([]).channels == set()
    with pytest.raises(InvalidRoute):
        Router([made])
    with pytest.raises(InvalidRoute):
        made.channel_names()


def test_a_mistake_says_where_the_route_stands():
    made = route("a b", parts)
    with pytest.raises(InvalidRoute) as caught:
        Router([include([made])])
    assert caught.value.made_at.startswith(f"{__file__}, line ")
