"""Every message that is lost on its way through Redis is counted, and told."""

import pytest

from channels.exceptions import ChannelFull
from channels.layers.operations import Drop
from channels.layers.redis.queues.rules import COUNTS_TTL_MS
from tests.processes import wait_until


def count(layer, key, channel="work"):
    return layer.channel_statistics(channel)[key]


def refuse_and_expire(layer):
    """Fill "work" with one message, and send until that has expired and made room."""
    layer.send("work", {"n": 1})
    with pytest.raises(ChannelFull):
        layer.send("work", {"n": 2})

    def there_is_room():
        try:
            layer.send("work", {"n": 3})
        except ChannelFull:
            return False
        return True

    wait_until(there_is_room, what="the first message to expire")


@pytest.mark.parametrize("acknowledged", [{}, {"work": {}}])
def test_messages_that_a_sender_finds_expired_are_counted_and_told(
    make_layer, caplog, acknowledged
):
    layer = make_layer(capacity=1, expiry=0.05, acknowledged=acknowledged)
    refuse_and_expire(layer)
    assert count(layer, "expired_count") == 1
    assert "1 message(s) on work expired unread" in caplog.text


def test_what_is_lost_outside_of_the_layer_can_be_counted(layer):
    layer.apply([Drop("work", "dropped", 2), Drop("work", "lost")])
    assert (count(layer, "dropped_count"), count(layer, "lost_count")) == (2, 1)


def test_counts_of_lost_messages_are_forgotten_in_the_end(layer, redis_server):
    layer.apply([Drop("work", "dropped"), Drop("websocket.send.dead!a", "dropped")])
    with redis_server.client() as client:
        keys = list(client.scan_iter("*:n:*"))
        assert len(keys) == 2
        assert all(0 < client.pttl(key) <= COUNTS_TTL_MS for key in keys)


def test_losses_of_single_reader_channels_leave_nothing_behind(layer, redis_server):
    assert layer.apply([Drop("body?x", "dropped")]) == [None]
    with redis_server.client() as client:
        assert list(client.scan_iter("*")) == []


def test_a_stale_message_of_a_socket_is_told(layer, caplog):
    from channels.layers.operations import Delivery, Turn

    socket = "websocket.send.s!a"
    delivery = Delivery("websocket.receive", {"reply_channel": socket, "order": 0})
    turns = [layer.begin_ordered(delivery, socket, 0, "worker") for _ in range(3)]
    assert turns == [Turn.RUN, Turn.STALE, Turn.STALE]
    assert caplog.text.count(f"message 0 of socket {socket} was dropped") == 1
    assert count(layer, "dropped_count", "websocket.receive") == 2
