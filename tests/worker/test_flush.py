"""What a consumer left to be done: when a host is away, and when a channel is full."""

import pytest

from channels.exceptions import ChannelFull, ClientBusy, ClientGone, HeldBack, LayerUnavailable
from channels.handler import CUT_OFF, ViewConsumer
from channels.layers import operations as ops
from channels.layers.memory import MemoryChannelLayer
from worker.flush import (
    HOST_PATIENCE_S,
    REPLY_PATIENCE_S,
    RESPONSE_PATIENCE_S,
    TURN_CHECK_S,
    Flusher,
    after_an_outage,
)

REPLY = ops.Send("http.response.abc!1", b"")
ANOTHER = ops.Send("http.response.abc!2", b"")


class Layer:
    """Refuses everything that goes to `abc` with `refusal`, as long as there is one."""

    answers_once = False

    def __init__(self, refusal):
        self.refusal = refusal
        self.applied = []

    def apply(self, operations):
        self.applied += operations
        return [self.refusal for _ in operations]

    def prepare_send(self, channel, message):
        return ops.Send(channel, message)

    def is_read(self, channel):
        return True


@pytest.fixture
def clock():
    class Clock:
        now_s = 0.0

        def __call__(self):
            return self.now_s

        def sleep(self, seconds):
            self.now_s += seconds

    return Clock()


def settle(layer, clock, operation, flusher=None):
    """Settle one refused operation; return the flusher and the seconds it took."""
    flusher = flusher or Flusher(layer, clock, clock.sleep)
    begun = clock()
    flusher.settle([operation], [layer.refusal], len)
    return flusher, clock() - begun


def test_a_host_that_is_away_is_waited_for_once(clock):
    layer = Layer(LayerUnavailable("away", was_sent=False))
    flusher, waited_s = settle(layer, clock, REPLY)
    assert HOST_PATIENCE_S <= waited_s < HOST_PATIENCE_S + 1
    assert settle(layer, clock, ANOTHER, flusher)[1] == 0
    assert settle(layer, clock, ops.FinishOrdered(ANOTHER.channel, 1), flusher)[1] == 0


def test_a_host_that_is_back_is_waited_for_again(clock):
    layer = Layer(LayerUnavailable("away", was_sent=False))
    flusher, _ = settle(layer, clock, REPLY)
    flusher.settle([ANOTHER], [None], len)
    assert settle(layer, clock, REPLY, flusher)[1] >= HOST_PATIENCE_S


def test_a_turn_that_can_not_end_is_put_off_with_what_stands_before_it_until_its_host_is_back(
    clock,
):
    layer = Layer(LayerUnavailable("away", was_sent=False))
    flusher = Flusher(layer, clock, clock.sleep)
    left = [ops.Send("websocket.send.abc!1", b"1"), ops.FinishOrdered("websocket.send.abc!1", 7)]
    assert flusher.settle(left, [layer.refusal] * 2, len) == []
    clock.sleep(TURN_CHECK_S)
    assert flusher.end_turns() == []
    freed = ops.Delivery("websocket.receive", {})
    layer.apply = lambda operations: layer.applied.append(operations) or [None, freed]
    assert flusher.end_turns() == []  # it was tried just now
    clock.sleep(TURN_CHECK_S)
    assert flusher.end_turns() == [freed]
    assert layer.applied[-1] == left
    assert flusher.end_turns(at_once=True) == []


def test_a_turn_ends_late_though_its_reply_may_have_been_sent(clock, caplog):
    layer = Layer(LayerUnavailable("timed out", was_sent=True))
    flusher = Flusher(layer, clock, clock.sleep)
    end = ops.FinishOrdered("websocket.send.abc!1", 7)
    flusher.settle([ops.Send("websocket.send.abc!1", b"1"), end], [layer.refusal] * 2, len)
    layer.applied.clear()
    flusher.end_turns(at_once=True)
    assert layer.applied == [end]
    assert "len left to be done was lost" in caplog.text


def test_a_message_that_may_have_been_sent_is_not_repeated(clock):
    layer = Layer(LayerUnavailable("lost", was_sent=True))
    flusher, waited_s = settle(layer, clock, ops.Send("jobs", b""))
    assert (waited_s, layer.applied) == (0, [])


@pytest.mark.parametrize(
    "kind, patience_s",
    [
        ("http.response", RESPONSE_PATIENCE_S),
        ("websocket.send", REPLY_PATIENCE_S),
    ],
)
def test_a_server_that_is_full_is_waited_for_once(clock, kind, patience_s):
    layer = Layer(ChannelFull(f"{kind}.abc!1", 100, 100))
    flusher, waited_s = settle(layer, clock, ops.Send(f"{kind}.abc!1", b""))
    assert patience_s <= waited_s < patience_s + 1
    assert settle(layer, clock, ops.Send(f"{kind}.abc!2", b""), flusher)[1] < 0.01


def test_a_response_is_waited_for_as_long_as_that_of_a_view():
    assert ViewConsumer.stall_timeout_s == RESPONSE_PATIENCE_S


def test_that_one_client_is_slow_does_not_count_for_the_others_of_its_server(clock):
    layer = Layer(ClientBusy(REPLY.channel, 0, 100))
    flusher, _ = settle(layer, clock, REPLY)
    assert settle(layer, clock, ANOTHER, flusher)[1] >= RESPONSE_PATIENCE_S


# -- several messages to one channel ----------------------------------------------------------


class SlowClient:
    """Reads one message of a queue every `every_s`; for `Flusher` it is clock and sleep."""

    def __init__(self, layer, queue, every_s):
        self.layer, self.queue, self.every_s = layer, queue, every_s
        self.now_s, self.next_s, self.read = 0.0, every_s, []

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds
        while self.now_s >= self.next_s:
            self.next_s += self.every_s
            self.read_one()

    def read_one(self):
        channel, message = self.layer.receive([self.queue])
        if channel is not None:
            self.read.append(message["n"])
        return channel

    def settle(self, operations):
        flusher = Flusher(self.layer, self, self.sleep)
        freed = flusher.settle(operations, self.layer.apply(operations), len)
        while self.read_one():
            pass
        return freed


def sends(layer, channel, count):
    return [layer.prepare_send(channel, {"n": n}) for n in range(count)]


@pytest.mark.parametrize(
    "queue, every_s",
    [
        ("http.response.abc!", 8.0),
        ("websocket.send.abc!", 3.0),
    ],
)
def test_a_slow_client_gets_all_in_order_as_long_as_it_takes_something(queue, every_s):
    layer = MemoryChannelLayer(capacity=100, channel_capacity={"*!*": 100}, expiry=10**6)
    client = SlowClient(layer, queue, every_s)
    client.settle(sends(layer, queue + "a", 150))
    assert client.read == list(range(150))
    assert client.now_s > 50 * every_s * 0.9


def test_after_a_message_that_is_given_up_none_is_sent_to_its_channel(caplog):
    layer = MemoryChannelLayer(channel_capacity={"websocket.send.*": 2})
    client = SlowClient(layer, "websocket.send.abc!", 10**6)
    client.settle(sends(layer, "websocket.send.abc!a", 5))
    assert client.read == [0, 1]
    assert REPLY_PATIENCE_S <= client.now_s < REPLY_PATIENCE_S + 1
    assert layer.channel_statistics("websocket.send.abc!")["dropped_count"] == 3
    assert "dropped after 10." in caplog.text
    assert "with 2 that it sent to the same channel after it" in caplog.text


def test_an_ordered_message_ends_once_its_replies_went_out_or_were_given_up():
    layer = MemoryChannelLayer(channel_capacity={"websocket.send.*": 2}, expiry=10**6)
    socket = "websocket.send.abc!a"
    first, second = (
        ops.Delivery("websocket.receive", {"reply_channel": socket, "order": order})
        for order in (1, 2)
    )
    layer.begin_ordered(first, socket, 1, "worker")
    layer.begin_ordered(second, socket, 2, "worker")
    client = SlowClient(layer, "websocket.send.abc!", 1.0)
    (freed,) = client.settle([*sends(layer, socket, 5), ops.FinishOrdered(socket, 1)])
    assert client.read == [0, 1, 2, 3, 4]
    assert freed.content["order"] == 2

    client.every_s = client.next_s = 10**6
    assert client.settle([*sends(layer, socket, 5), ops.FinishOrdered(socket, 2)]) == []
    third = ops.Delivery("websocket.receive", {"reply_channel": socket, "order": 3})
    assert layer.begin_ordered(third, socket, 3, "worker") is ops.Turn.RUN


class Script(Layer):
    """Its answers are given."""

    def __init__(self, *answers):
        super().__init__(None)
        self.answers = list(answers)

    def apply(self, operations):
        self.applied.append([getattr(operation, "payload", None) for operation in operations])
        return self.answers.pop(0) if self.answers else [None] * len(operations)


def parts(count, channel="http.response.abc!1"):
    return [ops.Send(channel, b"%d" % number) for number in range(count)]


def test_a_client_that_has_gone_is_sent_nothing_more(clock, caplog):
    layer = Script()
    refusals = [ClientGone("http.response.abc!1"), *[HeldBack("http.response.abc!1", 0, 100)] * 9]
    Flusher(layer, clock, clock.sleep).settle(parts(10), refusals, len)
    assert (layer.applied, clock(), caplog.text) == ([], 0, "")


def test_what_is_held_back_goes_out_in_pieces_that_grow_while_nothing_is_refused(clock):
    busy, held = ClientBusy("http.response.abc!1", 0, 100), HeldBack("http.response.abc!1", 0, 100)
    layer = Script([None], [None, None], [None, busy, held, held])
    Flusher(layer, clock, clock.sleep).settle(parts(10), [None, busy, *[held] * 8], len)
    assert layer.applied == [
        [b"1"],
        [b"2", b"3"],
        [b"4", b"5", b"6", b"7"],
        [b"5"],
        [b"6", b"7"],
        [b"8", b"9"],
    ]


def test_a_response_of_which_a_part_is_given_up_is_cut_off(clock):
    full, held = ChannelFull("http.response.abc!1", 9, 9), HeldBack("http.response.abc!1", 0, 9)
    layer = Script()
    layer.is_read = lambda channel: False
    Flusher(layer, clock, clock.sleep).settle(parts(3), [None, full, held], len)
    assert layer.applied[-1] == [CUT_OFF]


def test_a_response_that_an_outage_broke_is_cut_off_once_its_client_takes_something(clock):
    channel = "http.response.abc!1"
    lost, busy = LayerUnavailable("lost", was_sent=True), ClientBusy(channel, 0, 9)
    layer = Script([busy], [lost], [busy])
    layer.is_read = lambda channel: True
    Flusher(layer, clock, clock.sleep).settle(parts(3), [None, lost, HeldBack(channel, 0, 9)], len)
    assert layer.applied == [[CUT_OFF]] * 4


def test_after_an_outage_a_response_of_several_parts_is_cut_off_and_a_whole_one_repeated():
    whole = ops.Send("http.response.abc!2", b"")
    error = LayerUnavailable("lost", was_sent=True)
    assert after_an_outage([*parts(2), whole], error, Layer(None)) == [
        whole,
        ops.Drop("http.response.abc!", "lost"),
        ops.Drop("http.response.abc!", "lost"),
        ops.Send("http.response.abc!1", CUT_OFF),
    ]


@pytest.mark.parametrize("is_known_again", [True, False])
def test_the_answer_to_an_ordered_message_is_repeated_where_it_takes_effect_once(is_known_again):
    layer, error = Layer(None), LayerUnavailable("timed out", was_sent=True)
    layer.answers_once = is_known_again
    socket = "websocket.send.abc!1"
    answer, end = ops.Send(socket, b"1"), ops.FinishOrdered(socket, 7)
    lost = ops.Drop("websocket.send.abc!", "lost")
    kept = [answer, end] if is_known_again else [end, lost]
    assert after_an_outage([answer, end], error, layer) == kept
    assert after_an_outage([answer, answer, end], error, layer) == [end, lost, lost]
    assert after_an_outage([answer, REPLY, end], error, layer)[:2] == [REPLY, end]


def test_what_was_certainly_not_sent_is_repeated_in_its_order():
    error = LayerUnavailable("refused", was_sent=False)
    assert after_an_outage(parts(3), error, Layer(None)) == parts(3)
