"""A layer as small as can be, and what BaseChannelLayer makes of it."""

import asyncio
import collections
import contextlib
import threading
import time
import unittest

import pytest

from channels.exceptions import ChannelFull, InvalidMessage
from channels.layers import names
from channels.layers.base import BaseChannelLayer
from channels.layers.operations import DeadLetter, Delivery, PutBack, Retry, SaveSession
from channels.test.conformance import ConformanceSuite


class SmallLayer(BaseChannelLayer):
    """Gives send, receive and groups, as a layer of 1.x did; expiry is not kept."""

    extensions = ("groups",)

    def __init__(self, **config):
        super().__init__(**config)
        self._lock = threading.Lock()
        self._queues = collections.defaultdict(collections.deque)
        self._groups = collections.defaultdict(dict)

    def send(self, channel, message):
        packed = self.prepare_send(channel, message).payload
        name = names.queue_name(channel)
        with self._lock:
            queue = self._queues[name]
            if len(queue) >= self.get_capacity(name):
                raise self.ChannelFull(channel, len(queue), self.get_capacity(name))
            queue.append((channel, packed))

    def receive(self, channels, block=False):
        channels = self.check_receive_names(channels)
        while True:
            with self._lock:
                waiting = [name for name in channels if self._queues[name]]
                if waiting:
                    # the one with the fewest messages first, so that no busy one starves it
                    name = min(waiting, key=lambda name: len(self._queues[name]))
                    channel, packed = self._queues[name].popleft()
                    return channel, self.codec.unpack_message(packed)
            if not block:
                return None, None
            time.sleep(0.001)

    def group_add(self, group, channel):
        names.check_group_name(group)
        self._groups[group][names.check_channel_name(channel)] = None

    def group_discard(self, group, channel):
        names.check_group_name(group)
        self._groups[group].pop(names.check_channel_name(channel), None)

    def group_discard_all(self, channel):
        return [g for g, members in self._groups.items() if members.pop(channel, 0) is None]

    def group_channels(self, group):
        return list(self._groups[names.check_group_name(group)])

    def send_group(self, group, message):
        self.prepare_send_group(group, message)
        for channel in self.group_channels(group):
            with contextlib.suppress(self.ChannelFull):
                self.send(channel, message)


class TestSmallLayer(ConformanceSuite, unittest.TestCase):
    patience_s = 5.0

    def make_layer(self, **config):
        if {"expiry", "channel_expiry", "group_expiry"} & set(config):
            self.skipTest("SmallLayer does not keep expiry")
        return SmallLayer(**config)

    def let_time_pass(self, layer, seconds):
        """Nothing that SmallLayer does depends on the time."""


@pytest.fixture
def layer():
    return SmallLayer(capacity=1)


def take(layer, reader, *operations):
    """The Delivery that must be there."""
    _, delivery = reader.take(operations, block_s=5.0)
    assert isinstance(delivery, Delivery)
    return delivery


def test_a_retry_waits_in_the_readers_memory_and_not_in_a_full_channel(layer):
    reader = layer.open_reader(["work"])
    layer.send("work", {"n": 1})
    retry = Retry(take(layer, reader), 0.05)
    layer.send("work", {"n": 2})

    first = take(layer, reader, retry)
    second = take(layer, reader)

    assert [(d.content["n"], d.attempts) for d in (first, second)] == [(2, 0), (1, 1)]


def test_a_closed_reader_leaves_its_retries_to_others_with_their_attempts(layer):
    reader = layer.open_reader(["work"])
    layer.send("work", {"n": 1})
    reader.take([Retry(take(layer, reader), 1_000.0)])

    reader.close()

    again = take(layer, layer.open_reader(["work"]))
    assert (again.content, again.attempts) == ({"n": 1}, 1)


def test_a_retry_without_a_reader_comes_again_at_once_with_its_attempts(layer):
    reader = layer.open_reader(["work"])
    layer.send("work", {"n": 1})
    layer.apply([Retry(take(layer, reader), 1_000.0)])
    again = take(layer, reader)
    assert (again.content, again.attempts) == ({"n": 1}, 1)


def test_what_is_put_back_comes_again(layer):
    reader = layer.open_reader(["work"])
    layer.send("work", {"n": 1})
    assert layer.apply([PutBack(take(layer, reader))]) == [None]
    assert take(layer, reader).content == {"n": 1}


def test_a_dead_letter_is_logged(layer, caplog):
    reader = layer.open_reader(["work"])
    layer.send("work", {"n": 1})
    layer.apply([DeadLetter(take(layer, reader), "too many retries")])
    assert "too many retries" in caplog.text
    assert reader.take() == ([], None)


@pytest.mark.parametrize(
    "use",
    [
        lambda layer: layer.flush(),
        lambda layer: layer.channel_statistics("a"),
        lambda layer: layer.global_statistics(),
        lambda layer: layer.load_session("a"),
        lambda layer: layer.begin_ordered(None, "a", 0, "worker"),
        lambda layer: layer.apply([SaveSession("a", {})]),
        lambda layer: layer.apply([layer.prepare_send("a", {}, 1.0)]),
    ],
)
def test_what_a_layer_lacks_is_said_by_name(layer, use):
    with pytest.raises(NotImplementedError, match=r"SmallLayer has no '\w+' extension"):
        use(layer)


def test_what_is_no_operation_is_refused(layer):
    with pytest.raises(TypeError, match="channels.layers.operations"):
        layer.apply(["send it"])


def test_a_disconnect_is_sent_once_there_is_room(layer):
    async def close_socket():
        link = layer.open_link("server", lambda clients, message: None, lambda: None)
        await link.start()
        layer.send("websocket.disconnect", {"n": 1})
        closing = asyncio.ensure_future(link.close_socket("a", {"n": 2}))
        received = [await layer.areceive(["websocket.disconnect"], block=True) for _ in range(2)]
        await closing
        await link.stop()
        return [message["n"] for _, message in received]

    assert asyncio.run(close_socket()) == [1, 2]


def test_a_refused_send_is_a_result(layer):
    operation = layer.prepare_send("full", {})
    (none, refusal) = layer.apply([operation, operation])
    assert none is None
    assert isinstance(refusal, ChannelFull)


def test_session_keys_are_text(layer):
    with pytest.raises(InvalidMessage, match="must be str, got int 1"):
        layer.prepare_session("reply", {1: "value"})
