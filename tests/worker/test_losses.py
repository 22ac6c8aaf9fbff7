"""What a worker can't deliver is counted in the layer."""

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.memory import MemoryChannelLayer
from tests.processes import wait_until
from worker.flush import Flusher, after_an_outage

LOST = LayerUnavailable("the answer is missing")


@pytest.fixture
def layer():
    return MemoryChannelLayer(capacity=1)


def count(layer, key, channel="work"):
    return layer.channel_statistics(channel)[key]


def test_a_message_that_found_no_room_in_time_is_counted(layer, caplog):
    now = [0.0]
    flusher = Flusher(layer, lambda: now[0], lambda s: now.__setitem__(0, now[0] + s))
    sends = [layer.prepare_send("work", {"n": n}) for n in range(3)]
    flusher.settle(sends, layer.apply(sends), len)
    assert count(layer, "dropped_count") == 2
    assert caplog.text.count("was dropped after") == 1


def test_a_message_without_a_consumer_is_counted(run_worker):
    from channels.routing import route

    wrapper = run_worker([route("work", lambda message: None, kind="known")])
    wrapper.send("work", {"kind": "unknown"})
    wait_until(lambda: count(wrapper, "dropped_count") == 1, what="the count")


def test_messages_that_an_outage_may_have_cost_are_counted_when_it_is_over(layer):
    send = layer.prepare_send("work", {})
    repeated = after_an_outage([send, ops.FinishOrdered("websocket.send.s!a", 1)], LOST, layer)
    assert repeated == [ops.FinishOrdered("websocket.send.s!a", 1), ops.Drop("work", "lost")]
    layer.apply(repeated)
    assert count(layer, "lost_count") == 1


def test_what_was_certainly_not_sent_is_repeated_and_not_counted(layer):
    send = layer.prepare_send("work", {})
    error = LayerUnavailable("refused", was_sent=False)
    assert after_an_outage([send], error, layer) == [send]
