"""What a consumer does that helps nobody is told, once for each consumer."""

import pytest

from channels import Channel, Group
from channels.exceptions import DenyConnection
from channels.generic.websockets import WebsocketConsumer
from channels.routing import route, route_class
from tests.worker.test_loop import receive
from worker import advice


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch):
    monkeypatch.setattr(advice, "_results", advice.Once())
    monkeypatch.setattr(advice, "_handshakes", advice.Once())
    monkeypatch.setattr(advice, "_unknown_keys", advice.Once())


def returns_text(message):
    Channel("done", channel_layer=message.channel_layer).send({})
    return "hello"


async def returns_text_async(message):
    Channel("done", channel_layer=message.channel_layer).send({})
    return "hello"


def returns_a_generator(message):
    Channel("done", channel_layer=message.channel_layer).send({})
    return (part for part in "abc")


def returns_nothing(message):
    Channel("done", channel_layer=message.channel_layer).send({})


class Chat(WebsocketConsumer):
    def receive(self, text=None, bytes=None, **kwargs):
        Channel("done", channel_layer=self.message.channel_layer).send({})


def tell(run_worker, caplog, routes, channel, times=2, **content):
    """Run the consumer of `channel` so often, each until it has sent to "done"; what was logged."""
    layer = run_worker(routes)
    with caplog.at_level("WARNING", "django.channels"):
        for order in range(times):
            layer.send(channel, {"reply_channel": f"websocket.send.x!{order}", **content})
            layer.send("end", {})
            receive(layer, "done")
            if channel != "end":
                receive(layer, "ended")
    return [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


def ends(message):
    Channel("ended", channel_layer=message.channel_layer).send({})


@pytest.mark.parametrize("consumer", [returns_text, returns_text_async])
def test_a_returned_value_is_told_once(run_worker, caplog, consumer):
    routes = [route("websocket.receive", consumer), route("end", ends)]
    told = tell(run_worker, caplog, routes, "websocket.receive", text="x", path="/")
    assert len(told) == 1
    assert f"{consumer.__name__} returned str 'hello', which nobody gets" in told[0]
    assert "message.reply_channel.send(...)" in told[0]


def test_a_returned_generator_is_called_what_it_is(run_worker, caplog):
    routes = [route("websocket.receive", returns_a_generator), route("end", ends)]
    (told,) = tell(run_worker, caplog, routes, "websocket.receive", text="x", path="/")
    assert "returned a generator, none of whose code has run" in told


@pytest.mark.parametrize(
    "routes", [[route("websocket.receive", returns_nothing)], [route_class(Chat)]]
)
def test_a_consumer_that_returns_nothing_and_a_class_are_let_be(run_worker, caplog, routes):
    routes = [*routes, route("end", ends)]
    assert tell(run_worker, caplog, routes, "websocket.receive", text="x", path="/") == []


def connect(consumer):
    """A consumer of websocket.connect that does what `consumer` does, and lets the test know."""

    def inner(message):
        layer = message.channel_layer
        try:
            consumer(message)
        finally:
            layer.send("done", {})

    inner.__qualname__ = consumer.__name__
    return inner


def forgets(message):
    message.channel_layer.group_add("chat", message.reply_channel.name)


def accepts(message):
    message.reply_channel.send({"accept": True})


def accepts_at_once(message):
    message.reply_channel.send({"accept": True}, immediately=True)


def denies(message):
    raise DenyConnection


def asks(message):
    Channel("logins", channel_layer=message.channel_layer).send({})


def speaks_to_its_group(message):
    Group("chat", channel_layer=message.channel_layer).send({"text": "hello"})


def test_a_connect_consumer_that_does_not_answer_is_named_with_what_to_send(run_worker, caplog):
    routes = [route("websocket.connect", connect(forgets)), route("end", ends)]
    (told,) = tell(run_worker, caplog, routes, "websocket.connect", path="/chat/")
    assert "forgets has ended without an answer to the handshake of /chat/" in told
    assert 'message.reply_channel.send({"accept": True})' in told


@pytest.mark.parametrize("consumer", [accepts, accepts_at_once, denies, asks, speaks_to_its_group])
def test_a_connect_consumer_that_answers_or_asks_another_is_let_be(run_worker, caplog, consumer):
    routes = [route("websocket.connect", connect(consumer)), route("end", ends)]
    assert tell(run_worker, caplog, routes, "websocket.connect", path="/chat/") == []


def sends(content, immediately=False):
    def misspells(message):
        message.reply_channel.send(content, immediately=immediately)
        Channel("done", channel_layer=message.channel_layer).send({})

    return misspells


@pytest.mark.parametrize("immediately", [False, True])
def test_a_consumer_that_sends_a_socket_no_key_it_knows_is_named_once(
    run_worker, caplog, immediately
):
    routes = [
        route("websocket.receive", sends({"txt": "x"}, immediately)),
        route("websocket.disconnect", sends({"type": "chat.message"})),
        route("end", ends),
    ]
    (told,) = tell(run_worker, caplog, routes, "websocket.receive", text="x", path="/")
    assert "sends.<locals>.misspells sent a message to websocket.send.x!0 that does nothing" in told
    assert "did you mean 'text', not 'txt'?" in told
    assert tell(run_worker, caplog, routes, "websocket.disconnect", path="/") == [told]


def test_a_class_consumer_that_sends_no_frame_is_named_once(caplog):
    for _ in range(2):
        advice.tell_of_no_frame(Chat, {"type": "websocket.send", "txt": "x"})
    (told,) = caplog.messages
    assert "neither 'text' nor 'bytes'" in told
    assert "did you mean 'text', not 'txt'?" in told


@pytest.mark.parametrize("content", [{"text": "x"}, {"text": ""}, {"close": True, "more": 1}])
def test_a_message_with_a_key_that_sockets_know_is_let_be(run_worker, caplog, content):
    routes = [route("websocket.receive", sends(content)), route("end", ends)]
    assert tell(run_worker, caplog, routes, "websocket.receive", text="x", path="/") == []
