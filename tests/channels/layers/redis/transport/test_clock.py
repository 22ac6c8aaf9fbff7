"""Messages expire by Redis' clock, which a worker need not ask for each of them."""

import time

import pytest

from channels.layers.redis.transport import sync_connection
from channels.layers.redis.transport.sync_connection import Connection


@pytest.fixture
def asked(monkeypatch):
    """A list with an item for each time that Redis was asked for its time."""
    asked = []
    send = Connection.send

    def note(self, commands):
        asked.extend(command for command in commands if command == ("TIME",))
        return send(self, commands)

    monkeypatch.setattr(Connection, "send", note)
    return asked


@pytest.fixture
def make_reader(make_layer):
    """Make a layer, and a reader of its channel `jobs`."""
    readers = []

    def make(**config):
        layer = make_layer(**config)
        readers.append(layer.open_reader(["jobs"]))
        return layer, readers[-1]

    yield make
    for reader in readers:
        reader.close()


def test_the_time_is_asked_for_now_and_then(make_reader, asked, monkeypatch):
    layer, reader = make_reader()
    for number in range(20):
        layer.send("jobs", {"n": number})
        assert reader.take(block_s=1)[1].content == {"n": number}
    assert len(asked) == 1
    monkeypatch.setattr(sync_connection, "ASK_TIME_EVERY_S", 0.0)
    reader.close()
    for number in range(5):
        layer.send("jobs", {"n": number})
        reader.take(block_s=1)
    assert len(asked) == 6


def test_a_message_that_expires_between_two_looks_at_the_clock_is_not_delivered(make_reader, asked):
    layer, reader = make_reader(expiry=0.2)
    layer.send("jobs", {"n": 1})
    assert reader.take(block_s=1)[1] is not None
    layer.send("jobs", {"n": 2})
    time.sleep(0.3)  # what is waited for is time itself
    assert reader.take(block_s=0.05)[1] is None
    assert len(asked) == 1
    assert layer.channel_statistics("jobs")["expired_count"] == 1


def test_the_time_told_is_that_of_redis(redis_server, make_layer):
    connection = Connection(make_layer()._hosts[0])
    pop = ("BLPOP", "nothing", 0.01)
    with redis_server.client() as client:
        for _ in range(3):
            _, now_ms = connection.exchange_and_pop([], pop, lambda replies: True, None)
            seconds, micros = client.time()
            assert abs(now_ms - (seconds * 1000 + micros / 1000)) < 1000
    connection.close()
