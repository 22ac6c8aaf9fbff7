"""Consumers that were written for a version before Channels 1.0."""

import functools

import pytest

from channels.channel import Channel, Group
from channels.exceptions import DenyConnection
from channels.generic.websockets import WebsocketDemultiplexer
from channels.routing import Router, find_doubts, route, route_class
from channels.sessions import channel_session


def joins(message):
    Group("chat").add(message.reply_channel)


@channel_session
def joins_in_session(message, room):
    message.channel_session["room"] = room
    Group("chat").add(message.reply_channel)


def accepts(message):
    message.reply_channel.send({"accept": True})


def sends_to_its_group(message):
    Group("chat").add(message.reply_channel)
    Group("chat").send({"text": "hello"})


def denies(message):
    raise DenyConnection


def hands_on(message):
    accepts(message)


def hands_its_channel_on(message):
    answer = accepts
    answer(message.reply_channel)


def asks_another(message):
    Channel("logins").send({"reply_channel": message.reply_channel.name})


async def accepts_async(message):
    await message.reply_channel.asend({"accept": True})


def foreign(consumer):
    @functools.wraps(consumer)
    def inner(message):
        message.reply_channel.send({"accept": True})
        return consumer(message)

    return inner


def codes(*routes):
    return [code for code, _, _ in find_doubts(Router(list(routes)))]


@pytest.mark.parametrize("consumer", [joins, joins_in_session])
def test_a_connect_consumer_that_never_answers_is_doubted_with_what_to_send(consumer):
    path = "^/(?P<room>x)" if consumer is joins_in_session else "^/x"
    ((code, text, hint),) = find_doubts(Router([route("websocket.connect", consumer, path=path)]))
    assert code == "W017"
    assert "never answers the handshake" in text
    assert '{"accept": True}' in hint


@pytest.mark.parametrize(
    "consumer",
    [
        accepts,
        sends_to_its_group,
        denies,
        hands_on,
        hands_its_channel_on,
        asks_another,
        accepts_async,
        foreign(joins),
        len,
    ],
)
def test_a_connect_consumer_that_may_answer_is_let_be(consumer):
    assert "W017" not in codes(route("websocket.connect", consumer))


def test_a_consumer_of_other_messages_need_not_accept():
    assert codes(route("websocket.disconnect", joins)) == []


class Old(WebsocketDemultiplexer):
    mapping = {"int": "binding.int"}


class New(WebsocketDemultiplexer):
    mapping = {"int": "mine"}
    consumers = {"int": accepts}


def test_a_demultiplexer_with_the_mapping_of_old_is_doubted():
    ((code, text, hint),) = find_doubts(Router([route_class(Old, path="^/x")]))[:1]
    assert code == "W016"
    assert "binding.int" in text
    assert "`consumers`" in hint


def test_a_demultiplexer_with_consumers_is_let_be():
    assert codes(route_class(New)) == []
