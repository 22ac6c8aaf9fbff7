"""enforce_ordering: one socket's messages one after another, in their order, once each."""

import asyncio
import datetime
import inspect
import random

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth import get_user_model
from django.db import OperationalError

from channels.auth import channel_session_user, login
from channels.consuming.session_stores import EngineSession
from channels.exceptions import ConsumeLater, DenyConnection, InvalidMessage, LayerUnavailable
from channels.generic import BaseConsumer
from channels.layers.limits import ORDERED_BACKLOG
from channels.layers.memory import MemoryChannelLayer
from channels.layers.operations import Delivery, FinishOrdered, PutBack, Retry, Send
from channels.message import Message, pending_message_store
from channels.sessions import (
    channel_and_http_session,
    channel_session,
    enforce_ordering,
    session_for_reply_channel,
)

REPLY = "websocket.send.Server!a"
CHANNELS = ["websocket.connect", "websocket.receive", "websocket.disconnect"]


class Worker:
    """Takes messages as a worker does, one at a time; `consume` runs one of them."""

    def __init__(self, layer, consumers):
        self.layer = layer
        self.consumers = consumers
        self.reader = layer.open_reader(CHANNELS)
        self.operations = []

    def take(self):
        """Carry out what was left to be done; return the next delivery or None."""
        results, delivery = self.reader.take(self.operations)
        self.operations = []
        freed = [result for result in results if isinstance(result, Delivery)]
        if freed and delivery is not None:
            self.layer.apply([PutBack(delivery)])
        return freed[0] if freed else delivery

    def consume(self, delivery):
        message = Message(
            delivery.content,
            delivery.channel,
            self.layer,
            delivery=delivery,
            worker_id="worker-1",
        )
        pending_message_store.prepare()
        try:
            result = self.consumers[delivery.channel](message)
            if inspect.isawaitable(result):
                asyncio.run(wait_for(result))
        except ConsumeLater:
            left = [operation for _, operation in pending_message_store.take()]
            self.operations = [
                *(operation for operation in left if not isinstance(operation, Send)),
                Retry(delivery, 0.0),
            ]
        except Exception:
            self.operations = [operation for _, operation in pending_message_store.take()]
            raise
        else:
            self.operations = [operation for _, operation in pending_message_store.take()]

    def work(self):
        """Go on until there is nothing to do."""
        while (delivery := self.take()) is not None:
            self.consume(delivery)


async def wait_for(awaitable):
    return await awaitable


def send(layer, *orders, last=None):
    for order in orders:
        channel = CHANNELS[0] if order == 0 else CHANNELS[1]
        channel = CHANNELS[2] if order == last else channel
        layer.send(channel, {"reply_channel": REPLY, "order": order})


def make_message(layer, order, channel="websocket.receive"):
    return Message({"reply_channel": REPLY, "order": order}, channel, layer)


@pytest.fixture
def seen():
    return []


@pytest.fixture
def consumers(seen):
    @enforce_ordering
    def consumer(message):
        seen.append(message["order"])

    return dict.fromkeys(CHANNELS, consumer)


def test_messages_that_come_in_any_order_run_in_theirs(layer, consumers, seen):
    orders = list(range(1, 50))
    random.Random(4).shuffle(orders)
    send(layer, 0, *orders, last=49)
    Worker(layer, consumers).work()
    assert seen == list(range(50))


def test_a_message_runs_only_when_the_one_before_it_has_ended(layer, consumers, seen):
    first, second = Worker(layer, consumers), Worker(layer, consumers)
    send(layer, 0, 1)
    first.consume(first.take())  # connect: its end has not reached the layer yet
    second.consume(second.take())
    assert seen == [0]
    first.work()
    assert seen == [0, 1]


def test_a_message_runs_once_even_if_it_comes_twice(layer, consumers, seen):
    send(layer, 0, 1, 1, 2)
    Worker(layer, consumers).work()
    assert seen == [0, 1, 2]


def test_a_consumer_that_fails_does_not_stall_its_socket(layer, seen):
    @enforce_ordering
    def consumer(message):
        seen.append(message["order"])
        if message["order"] == 1:
            raise RuntimeError("oops")

    worker = Worker(layer, dict.fromkeys(CHANNELS, consumer))
    send(layer, 0, 1, 2)
    with pytest.raises(RuntimeError):
        worker.work()
    worker.work()
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("will_retry", [False, True])
def test_a_session_that_can_not_be_saved_does_not_stall_its_socket(layer, seen, will_retry):
    @enforce_ordering
    def consumer(message):
        seen.append(message["order"])
        if message["order"] == 1:
            message.channel_session["since"] = datetime.datetime(2020, 1, 1)
            if will_retry:
                raise ConsumeLater

    worker = Worker(layer, dict.fromkeys(CHANNELS, consumer))
    send(layer, 0, 1, 2)
    with pytest.raises(InvalidMessage, match="since"):
        worker.work()
    worker.work()
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("broken", ["load", "save"])
@pytest.mark.parametrize("decorate", [enforce_ordering, channel_session])
def test_a_database_that_is_away_does_not_stall_a_socket(
    layer, settings, database, seen, monkeypatch, broken, decorate
):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.db"

    @decorate
    @enforce_ordering
    async def consumer(message):
        message.channel_session["last"] = message["order"]
        seen.append(message["order"])

    def fail(self):
        raise OperationalError("away")

    worker = Worker(layer, dict.fromkeys(CHANNELS, consumer))
    send(layer, 0, 1, 2)
    worker.consume(worker.take())
    with monkeypatch.context() as patch:
        patch.setattr(EngineSession, broken, fail)
        with pytest.raises(OperationalError):
            worker.consume(worker.take())
    worker.work()
    assert (seen[0], seen[-1]) == (0, 2)


def test_a_refused_handshake_ends_its_turn(layer, seen):
    @enforce_ordering
    def consumer(message):
        seen.append(message["order"])
        raise DenyConnection

    worker = Worker(layer, dict.fromkeys(CHANNELS, consumer))
    send(layer, 0)
    with pytest.raises(DenyConnection):
        worker.work()
    assert worker.operations == [FinishOrdered(REPLY, 0)]


def test_a_consumer_that_asks_for_a_retry_keeps_its_turn(layer, seen):
    @enforce_ordering
    def consumer(message):
        seen.append(message["order"])
        if message["order"] == 1 and seen.count(1) < 3:
            raise ConsumeLater

    send(layer, 0, 1, 2)
    Worker(layer, dict.fromkeys(CHANNELS, consumer)).work()
    assert seen == [0, 1, 1, 1, 2]


class Unreachable(MemoryChannelLayer):
    """A layer that can't be reached when it is first asked whose turn it is."""

    was_asked = False

    def begin_ordered(self, *args):
        was_asked, self.was_asked = self.was_asked, True
        turn = super().begin_ordered(*args)
        if not was_asked:
            raise LayerUnavailable("gone before its answer came")
        return turn


def test_a_message_is_not_lost_if_the_layer_goes_away_when_asked(consumers, seen):
    layer = Unreachable()
    send(layer, 0, 1, 2)
    Worker(layer, consumers).work()
    assert seen == [0, 1, 2]
    with pytest.raises(LayerUnavailable):  # without a worker there is nobody to retry it
        consumers["websocket.connect"](make_message(Unreachable(), 0))


def test_a_socket_of_which_too_many_messages_wait_is_closed_with_1013(consumers, seen):
    layer = MemoryChannelLayer(capacity=2 * ORDERED_BACKLOG)
    send(layer, 0, *range(2, ORDERED_BACKLOG + 4))
    Worker(layer, consumers).work()
    assert seen == [0]
    assert layer.receive(["websocket.send.Server!"]) == (REPLY, {"close": 1013})
    send(layer, 1, 2 * ORDERED_BACKLOG, last=2 * ORDERED_BACKLOG)
    Worker(layer, consumers).work()
    assert seen == [0, 2 * ORDERED_BACKLOG]  # the disconnect, and nothing else


def test_what_one_message_stored_the_next_one_finds(layer, seen):
    @enforce_ordering
    def consumer(message):
        count = message.channel_session.get("count", 0)
        seen.append(count)
        message.channel_session["count"] = count + 1

    send(layer, 0, 3, 2, 1)
    Worker(layer, dict.fromkeys(CHANNELS, consumer)).work()
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("is_outside", [True, False])
def test_the_session_is_saved_before_the_turn_ends(layer, is_outside):
    def consumer(message):
        message.channel_session["a"] = 1

    if is_outside:
        consumer = channel_session(enforce_ordering(consumer))
    else:
        consumer = enforce_ordering(channel_session(consumer))
    worker = Worker(layer, {CHANNELS[0]: consumer})
    send(layer, 0)
    worker.consume(worker.take())
    assert [type(one).__name__ for one in worker.operations] == ["SaveSession", "FinishOrdered"]


class Interleaved(MemoryChannelLayer):
    """A layer in which something happens right before it says whose turn it is."""

    happens = staticmethod(lambda: None)

    def begin_ordered(self, *args):
        self.happens()
        return super().begin_ordered(*args)


@pytest.fixture
def run_two():
    """Run messages 0 and 1 in two workers, where 1 is taken before 0 has left what it did."""

    def run(consumer):
        layer = Interleaved()
        first, second = (Worker(layer, dict.fromkeys(CHANNELS, consumer)) for _ in range(2))
        send(layer, 0, 1)
        first.consume(first.take())
        delivery = second.take()
        layer.happens = first.take
        second.consume(delivery)
        second.take()
        return session_for_reply_channel(REPLY, layer)

    return run


def in_a_class(consumer):
    class Consumers(BaseConsumer):
        method_mapping = dict.fromkeys(CHANNELS, "consume")
        channel_session = True

    if iscoroutinefunction(consumer):

        @enforce_ordering
        async def consume(self, message):
            await consumer(message)

    else:

        @enforce_ordering
        def consume(self, message):
            consumer(message)

    return type("Ordered", (Consumers,), {"consume": consume})


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "decorate",
    [
        enforce_ordering,
        lambda consumer: channel_session(enforce_ordering(consumer)),
        lambda consumer: channel_and_http_session(enforce_ordering(consumer)),
        lambda consumer: channel_session(channel_session_user(enforce_ordering(consumer))),
        in_a_class,
    ],
)
def test_the_session_is_loaded_when_the_turn_begins(run_two, is_async, decorate):
    def consumer(message):
        message.channel_session.setdefault("orders", []).append(message["order"])

    async def async_consumer(message):
        consumer(message)

    session = run_two(decorate(async_consumer if is_async else consumer))
    assert session["orders"] == [0, 1]


def test_the_user_of_an_async_consumer_is_loaded_when_the_turn_begins(run_two, database):
    users = []

    @channel_session_user
    @enforce_ordering
    async def consumer(message):
        users.append(message.user.username)
        if message["order"] == 0:
            await sync_to_async(login)(message, amy)

    amy = get_user_model().objects.create_user("amy")
    run_two(consumer)
    assert users == ["", "amy"]


def test_a_second_decorator_on_the_same_message_does_nothing(layer, seen):
    @enforce_ordering
    def stream(message):
        seen.append(message["order"])

    @enforce_ordering
    def demultiplexer(message):
        stream(message)
        stream(message)

    send(layer, 0, 2, 1)
    Worker(layer, dict.fromkeys(CHANNELS, demultiplexer)).work()
    assert seen == [0, 0, 1, 1, 2, 2]


def test_async_consumers_are_ordered_too(layer, seen):
    @enforce_ordering
    async def consumer(message):
        await asyncio.sleep(0)
        message.channel_session["last"] = message["order"]
        seen.append(message["order"])

    send(layer, 0, 3, 2, 1)
    Worker(layer, dict.fromkeys(CHANNELS, consumer)).work()
    assert seen == [0, 1, 2, 3]
    assert session_for_reply_channel(REPLY, layer)["last"] == 3


def test_async_consumers_have_a_session_in_the_database_too(layer, settings, database):
    settings.CHANNEL_SESSION_ENGINE = "django.contrib.sessions.backends.db"

    @enforce_ordering
    async def consumer(message):
        message.channel_session["last"] = message.channel_session.get("last", -1) + 1

    send(layer, 0, 2, 1)
    Worker(layer, dict.fromkeys(CHANNELS, consumer)).work()
    assert session_for_reply_channel(REPLY, layer)["last"] == 2


def test_called_without_a_worker_a_consumer_is_ordered_and_frees_what_waited(
    layer, consumers, seen
):
    consumer = consumers["websocket.receive"]
    consumer(make_message(layer, 0, "websocket.connect"))
    consumer(make_message(layer, 2))
    assert seen == [0]
    consumer(make_message(layer, 1))
    assert seen == [0, 1]
    channel, content = layer.receive(["websocket.receive"])
    consumer(Message(content, channel, layer))
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("decorate", [enforce_ordering(), enforce_ordering(slight=False)])
def test_it_may_be_written_with_brackets(layer, decorate):
    assert decorate(lambda message: "ran")(make_message(layer, 0)) == "ran"


def test_slight_ordering_is_refused():
    with pytest.raises(ValueError, match="ordering is always strict"):
        enforce_ordering(slight=True)


def test_a_message_without_an_order_is_refused(layer, consumers):
    message = Message({"reply_channel": REPLY}, "http.request", layer)
    with pytest.raises(ValueError, match=r"around .*consumer, on 'http.request', needs .* order"):
        consumers["websocket.receive"](message)


def test_a_message_without_a_reply_channel_is_refused(layer, consumers):
    with pytest.raises(ValueError, match="reply_channel"):
        consumers["websocket.receive"](Message({"order": 1}, "websocket.receive", layer))
