"""WebsocketDemultiplexer and WebsocketMultiplexer."""

import asyncio
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import Group
from channels.exceptions import ConsumeLater, DenyConnection, InvalidFrame
from channels.exceptions import SendNotAvailableOnDemultiplexer as NotAvailable
from channels.generic.websockets import (
    JsonWebsocketConsumer,
    WebsocketConsumer,
    WebsocketDemultiplexer,
    WebsocketMultiplexer,
)
from channels.layers.memory import MemoryChannelLayer
from channels.message import Message
from channels.routing import route_class
from channels.sessions import enforce_ordering
from channels.test import WSClient, apply_routes


class Echo(JsonWebsocketConsumer):
    def connect(self, message, multiplexer, **kwargs):
        multiplexer.send({"connected": kwargs})

    def receive(self, content, multiplexer, **kwargs):
        multiplexer.send({"got": content})

    def disconnect(self, message, multiplexer, **kwargs):
        multiplexer.send({"left": True})


class AsyncEcho(Echo):
    async def receive(self, content, multiplexer, **kwargs):
        await asyncio.sleep(0)
        multiplexer.send({"got": content})


def plain(message, multiplexer, **kwargs):
    if message.channel.name == "websocket.receive":
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        multiplexer.send({"plain": message["text"]})


class Both(WebsocketDemultiplexer):
    consumers = {"echo": Echo, "plain": plain}


class BothAsync(WebsocketDemultiplexer):
    consumers = {"echo": AsyncEcho, "plain": plain}


BOTH = pytest.mark.parametrize("demultiplexer", [Both, BothAsync])


def send(client, stream, payload):
    content = {"stream": stream, "payload": payload}
    return client.send_and_consume("websocket.receive", text=content, path="/one")


@BOTH
def test_each_stream_has_its_consumer(open_socket, demultiplexer):
    client = open_socket(demultiplexer, path=r"^/(?P<room>\w+)$")
    assert client.receive() == {"stream": "echo", "payload": {"connected": {"room": "one"}}}
    send(client, "echo", {"n": 1})
    assert client.receive() == {"stream": "echo", "payload": {"got": {"n": 1}}}
    send(client, "plain", {"n": 2})
    assert client.receive() == {"stream": "plain", "payload": {"plain": '{"n": 2}'}}
    client.send_and_consume("websocket.disconnect", path="/one")
    assert client.receive() == {"stream": "echo", "payload": {"left": True}}
    assert client.receive() is None


def test_the_socket_is_accepted_once(open_socket):
    class Streams(WebsocketDemultiplexer):
        consumers = {"a": JsonWebsocketConsumer, "b": WebsocketConsumer}

    assert open_socket(Streams).receive() is None


def test_a_stream_that_denies_refuses_the_socket(open_socket):
    def deny(message, multiplexer):
        raise DenyConnection

    class Streams(WebsocketDemultiplexer):
        consumers = {"no": deny}

    with pytest.raises(DenyConnection):
        open_socket(Streams)


@BOTH
@pytest.mark.parametrize(
    ("text", "code", "problem"),
    [
        ("{", 1007, "takes JSON"),
        ("[]", 1007, "expected a frame"),
        ('{"stream": "echo"}', 1007, "expected a frame"),
        ('{"payload": {}}', 1007, "expected a frame"),
        ('{"stream": "echo", "payload": [1]}', 1007, "stream 'echo': expected an object"),
        ('{"stream": "other", "payload": {}}', 4004, r"'other' is not mapped.*'echo', 'plain'"),
        ('{"stream": ["echo"], "payload": {}}', 4004, "is not mapped"),
        ('{"stream": null, "payload": {}}', 4004, "is not mapped"),
    ],
)
def test_a_frame_for_no_stream_closes_the_socket(open_socket, demultiplexer, text, code, problem):
    client = open_socket(demultiplexer)
    client.receive()
    client.send_and_consume("websocket.receive", text=text, path="/one")
    assert client.receive() == {"close": code}
    consumer = demultiplexer.__new__(WebsocketDemultiplexer)
    consumer.__class__ = demultiplexer
    with pytest.raises(InvalidFrame, match=f"{demultiplexer.__name__}.*{problem}"):
        consumer._open_frame(consumer._decode({"text": text}))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["echo", "payload"]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["stream", "payload"]), inner)
        | st.fixed_dictionaries({"stream": inner, "payload": inner})
    ),
    max_leaves=8,
)


@given(text=st.text() | JSON.map(json.dumps))
def test_whatever_a_client_sends_is_taken_or_refused(text):
    layer = MemoryChannelLayer()
    content = {"reply_channel": "websocket.send.s!c", "path": "/", "text": text}
    try:
        Both(Message(content, "websocket.receive", layer))
    except InvalidFrame as error:
        assert error.code in (1007, 4004)
    else:
        assert json.loads(text)["stream"] in Both.consumers


@BOTH
def test_every_stream_hears_of_the_disconnect_even_if_one_fails(open_socket, demultiplexer):
    heard = []

    def fail(message, multiplexer):
        heard.append(("fail", message.channel.name))
        if message.channel.name == "websocket.disconnect":
            raise LookupError("mine")

    class Streams(demultiplexer):
        consumers = {
            "first": lambda message, multiplexer: heard.append("first"),
            "fail": fail,
            "last": lambda message, multiplexer: heard.append("last"),
        }

    client = open_socket(Streams)
    heard.clear()
    with pytest.raises(LookupError, match="mine"):
        client.send_and_consume("websocket.disconnect")
    assert heard == ["first", ("fail", "websocket.disconnect"), "last"]


def test_a_frame_that_is_retried_still_has_its_envelope(open_socket):
    seen = []

    def not_yet(message, multiplexer):
        if message.channel.name == "websocket.receive":
            seen.append(message.content)
            raise ConsumeLater

    class Streams(WebsocketDemultiplexer):
        consumers = {"s": not_yet}

    client = open_socket(Streams)
    client.send("websocket.receive", text={"stream": "s", "payload": {"n": 1}})
    message = client.get_next_message("websocket.receive")
    with pytest.raises(ConsumeLater):
        Streams(message)
    assert json.loads(message["text"]) == {"stream": "s", "payload": {"n": 1}}
    assert json.loads(seen[0]["text"]) == {"n": 1}


# -- sending -----------------------------------------------------------------------------------


class Speaks(JsonWebsocketConsumer):
    def connect(self, message, **kwargs):
        self.send({"hello": True})

    def receive(self, content, **kwargs):
        self.send(content)


class Streams(WebsocketDemultiplexer):
    consumers = {"speaks": Speaks}


def test_a_stream_can_not_send_past_its_stream(open_socket):
    with pytest.raises(NotAvailable, match=r"Speaks is a stream .*use send\(\) of the"):
        open_socket(Streams)


def test_the_same_class_may_send_on_a_socket_of_its_own(layer):
    streams, alone = WSClient(), WSClient()
    with apply_routes([route_class(Streams, path="^/many"), route_class(Speaks)]):
        with pytest.raises(NotAvailable):
            text = {"stream": "speaks", "payload": {}}
            streams.send_and_consume("websocket.receive", text=text, path="/many")
        alone.send_and_consume("websocket.receive", text={"n": 1})
    assert alone.receive() == {"n": 1}


def test_a_demultiplexer_itself_can_not_send(layer):
    class Talks(WebsocketDemultiplexer):
        def connect(self, message, **kwargs):
            self.send({"n": 1})

    message = Message({"reply_channel": "websocket.send.s!c"}, "websocket.connect", layer)
    with pytest.raises(NotAvailable, match=r"Talks.send\(\) would send outside"):
        Talks(message)
    with pytest.raises(NotAvailable, match="use WebsocketMultiplexer.group_send"):
        Talks.group_send("group", "stream", {})


def test_group_send_of_the_multiplexer_has_the_stream(layer):
    client = WSClient()
    Group("all").add(client.reply_channel)
    WebsocketMultiplexer.group_send("all", "s", {"n": 1})
    assert client.receive() == {"stream": "s", "payload": {"n": 1}}
    WebsocketMultiplexer.group_send("all", "s", {}, close=True)
    assert client.get_next_message(client.reply_channel)["close"] is True


def test_another_multiplexer_class_may_encode_otherwise(open_socket):
    class Loud(WebsocketMultiplexer):
        @classmethod
        def encode_json(cls, content):
            return json.dumps(content).upper()

    class LoudStreams(WebsocketDemultiplexer):
        consumers = {"echo": Echo}
        multiplexer_class = Loud

    client = open_socket(LoudStreams)
    assert client.receive() == {"STREAM": "ECHO", "PAYLOAD": {"CONNECTED": {}}}


# -- order -------------------------------------------------------------------------------------


class OrderedStream(JsonWebsocketConsumer):
    strict_ordering = True


@enforce_ordering
def ordered_stream(message, **kwargs):
    pass


@pytest.mark.parametrize("consumer", [OrderedStream, ordered_stream])
def test_a_stream_that_orders_itself_is_refused_where_the_class_is_made(consumer):
    with pytest.raises(ValueError, match=r"is a stream of \S*Wrong: .*strict_ordering = True on"):

        class Wrong(WebsocketDemultiplexer):
            consumers = {"s": consumer}


def test_a_stream_that_is_added_later_and_orders_itself_is_refused(layer):
    class Late(WebsocketDemultiplexer):
        consumers = {}

    Late.consumers["s"] = OrderedStream
    with pytest.raises(ValueError, match="OrderedStream sets strict_ordering.*demultiplexer"):
        Late(Message({"reply_channel": "websocket.send.s!c"}, "websocket.connect", layer))


def test_three_streams_on_one_socket_keep_their_order_across_workers(layer):
    """PAINS 39."""
    from channels.asgi import ChannelLayerWrapper
    from channels.worker import Worker

    seen = {"a": [], "b": [], "c": []}
    done = threading.Event()

    class Recorder(JsonWebsocketConsumer):
        def connect(self, message, multiplexer, **kwargs):
            seen[multiplexer.stream].append("connect")

        def receive(self, content, multiplexer, **kwargs):
            seen[multiplexer.stream].append(content["n"])

        def disconnect(self, message, multiplexer, **kwargs):
            seen[multiplexer.stream].append("disconnect")
            if multiplexer.stream == "c":
                done.set()

    class Ordered(WebsocketDemultiplexer):
        strict_ordering = True
        consumers = {"a": Recorder, "b": Recorder, "c": Recorder}

    layer = MemoryChannelLayer(capacity=1_000)
    worker = Worker(
        ChannelLayerWrapper(layer, "default", [route_class(Ordered)]),
        signal_handlers=False,
        threads=8,
    )
    socket = {"reply_channel": "websocket.send.server!c", "path": "/"}
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        layer.send("websocket.connect", {**socket, "order": 0})
        while not all(seen.values()):  # no interface server sends a frame before that
            threading.Event().wait(0.001)
        for n in range(300):
            text = json.dumps({"stream": "abc"[n % 3], "payload": {"n": n // 3}})
            layer.send("websocket.receive", {**socket, "order": n + 1, "text": text})
        layer.send("websocket.disconnect", {**socket, "order": 301})
        assert done.wait(20)
    finally:
        worker.stop()
        running.join()
    expected = ["connect", *range(100), "disconnect"]
    assert seen == {"a": expected, "b": expected, "c": expected}
