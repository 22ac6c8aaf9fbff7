"""Client: sends, runs consumers as a worker would, receives."""

import pytest
from django.db import close_old_connections

from channels import Channel, Group
from channels.exceptions import (
    ChannelFull,
    ChannelSocketException,
    ConsumeLater,
    DenyConnection,
    WebsocketCloseException,
)
from channels.message import pending_message_store
from channels.routing import route
from channels.signals import consumer_finished, consumer_started
from channels.test import Client, apply_routes


def consume(function, content=None, **options):
    """Run `function` as the consumer of a message; return the client and what it returned."""
    client = Client()
    with apply_routes([route("work", function)]):
        result = client.send_and_consume("work", content, **options)
    return client, result


def test_a_consumer_answers_its_client(layer):
    def double(message):
        message.reply_channel.send({"n": message["n"] * 2})
        return "result"

    client, result = consume(double, {"n": 4})
    assert (client.receive(), client.receive(), result) == ({"n": 8}, None, "result")


def test_an_async_consumer_is_awaited(layer):
    async def double(message):
        message.reply_channel.send({"n": message["n"] * 2})
        return "result"

    client, result = consume(double, {"n": 4})
    assert (client.receive(), result) == ({"n": 8}, "result")


def test_what_is_sent_goes_out_when_the_consumer_ends(layer):
    def send(message):
        Channel("out").send({"n": 1})
        assert layer.receive(["out"]) == (None, None)
        Channel("out").send({"n": 2}, immediately=True)

    consume(send)
    assert [layer.receive(["out"])[1]["n"] for _ in range(2)] == [2, 1]


def test_an_exception_is_raised_after_what_was_sent_has_gone_out(layer):
    def fail(message):
        Channel("out").send({"n": 1})
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        consume(fail)
    assert layer.receive(["out"]) == ("out", {"n": 1})
    assert not pending_message_store.active


def test_a_consumer_that_wants_to_be_retried_has_sent_nothing(layer):
    def later(message):
        Channel("out").send({"n": 1})
        raise ConsumeLater

    with pytest.raises(ConsumeLater):
        consume(later)
    assert layer.receive(["out"]) == (None, None)


def test_a_denial_is_raised(layer):
    def deny(message):
        raise DenyConnection

    with pytest.raises(DenyConnection):
        consume(deny)


def test_a_socket_exception_acts_on_the_socket(layer):
    class Shout(ChannelSocketException):
        def run(self, message):
            message.reply_channel.send({"text": "aah"})

    def shout(message):
        raise Shout

    def close(message):
        raise WebsocketCloseException(4001)

    assert consume(shout)[0].receive() == {"text": "aah"}
    assert consume(close)[0].receive() == {"close": 4001}


def test_a_full_channel_is_raised_and_the_rest_is_sent(layer):
    def flood(message):
        for n in range(layer.capacity + 1):
            Channel("out").send({"n": n})
        Channel("other").send({"n": 1})

    with pytest.raises(ChannelFull, match="'out' is full"):
        consume(flood)
    assert layer.receive(["other"]) == ("other", {"n": 1})


def test_the_signals_of_a_worker_are_sent(layer):
    heard = []

    def listen(signal, sender, **kwargs):
        heard.append((signal is consumer_started, sender, kwargs.get("environ")))

    consumer_started.connect(listen)
    consumer_finished.connect(listen)
    try:
        consume(lambda message: heard.append("run"))
    finally:
        consumer_started.disconnect(listen)
        consumer_finished.disconnect(listen)
    assert heard == [(True, Client, {}), "run", (False, Client, None)]


def test_database_connections_stay_open(layer, monkeypatch):
    called = []
    consumer_finished.disconnect(close_old_connections)
    monkeypatch.setattr(
        "channels.test.running.close_old_connections", close := lambda **kwargs: called.append(1)
    )
    consumer_finished.connect(close)
    try:
        consume(lambda message: None)
        assert called == []
        consumer_finished.send(sender=None)
        assert called == [1]
    finally:
        consumer_finished.disconnect(close)
        consumer_finished.connect(close_old_connections)


def test_a_message_is_required_unless_said_otherwise(layer):
    with apply_routes([route("work", lambda message: None)]):
        with pytest.raises(AssertionError, match="No message for channel work"):
            Client().consume("work")
        assert Client().consume("work", fail_on_none=False) is None


def test_a_consumer_is_required_unless_said_otherwise(layer):
    with apply_routes([route("work", lambda message: None, kind="^big$")]):
        with pytest.raises(AssertionError, match="Can't find consumer for message <Message on "):
            Client().send_and_consume("work", {"kind": "small"})
        assert Client().send_and_consume("work", {"kind": "small"}, fail_on_none=False) is None


def test_the_consumer_of_a_channel_can_be_asked_for(layer):
    def work(message):
        """Nothing."""

    with apply_routes([route("work", work)]):
        assert Client().get_consumer_by_channel("work") is work
        assert Client().get_consumer_by_channel("other") is None


def test_content_is_copied_and_may_name_another_reply_channel(layer):
    content = {"list": [1], "reply_channel": "websocket.send.s!other"}
    client = Client()
    client.send("x", content)
    message = client.get_next_message("x")
    assert message.content == content
    assert message.reply_channel.name == "websocket.send.s!other"
    client.send("x")
    assert client.get_next_message("x").reply_channel.name == client.reply_channel


def test_a_client_hears_its_groups(layer):
    one, two = Client(), Client()
    one.join_group("all")
    two.join_group("all")
    Group("all").send({"n": 1})
    assert one.receive() == two.receive() == {"n": 1}
    assert one.receive() is None
