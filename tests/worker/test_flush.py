"""What a consumer left to be done, when one of several hosts is away."""

import pytest

from channels.exceptions import ChannelFull, LayerUnavailable
from channels.layers import operations as ops
from worker.flush import HOST_PATIENCE_S, REPLY_PATIENCE_S, Flusher

REPLY = ops.Send("http.response.abc!1", b"")
ANOTHER = ops.Send("http.response.abc!2", b"")


class Layer:
    """Refuses everything that goes to `abc` with `refusal`, as long as there is one."""

    def __init__(self, refusal):
        self.refusal = refusal
        self.applied = []

    def apply(self, operations):
        self.applied += operations
        return [self.refusal for _ in operations]

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


def test_a_message_that_may_have_been_sent_is_not_repeated(clock):
    layer = Layer(LayerUnavailable("lost", was_sent=True))
    flusher, waited_s = settle(layer, clock, ops.Send("jobs", b""))
    assert (waited_s, layer.applied) == (0, [])


def test_a_server_that_is_full_is_waited_for_once(clock):
    layer = Layer(ChannelFull(REPLY.channel, 100, 100))
    flusher, waited_s = settle(layer, clock, REPLY)
    assert REPLY_PATIENCE_S <= waited_s < REPLY_PATIENCE_S + 1
    assert settle(layer, clock, ANOTHER, flusher)[1] == 0
