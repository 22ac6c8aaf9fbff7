"""What one pipeline does for one reply channel: no round trip more, and nothing left behind."""

import pytest

from channels.exceptions import ClientBusy, HeldBack
from channels.layers import operations as ops
from channels.layers.redis.transport.sync_connection import Connection

SOCKET = "websocket.send.server!a"


@pytest.fixture
def trips(monkeypatch):
    """The pipelines whose replies were waited for."""
    found = []
    for name in ("exchange", "exchange_and_pop"):
        run = getattr(Connection, name)

        def note(self, commands, *args, _run=run):
            found.append(commands)
            return _run(self, commands, *args)

        monkeypatch.setattr(Connection, name, note)
    return found


def marks(layer, redis_server):
    with redis_server.client() as client:
        return list(client.scan_iter(match=f"{layer.prefix}*:mark:*"))


def test_several_replies_and_the_end_of_a_message_are_one_round_trip(layer, trips):
    reader = layer.open_reader(["websocket.receive"])
    accept, text = (layer.prepare_send(SOCKET, {key: True}) for key in ("accept", "text"))
    trips.clear()
    reader.take([accept, text, ops.FinishOrdered(SOCKET, 1)], 0.01)
    assert [len(commands) for commands in trips] in ([3], [4])  # 4: with delayed messages
    reader.close()


def test_the_only_reply_and_the_end_of_a_message_are_one_command(layer, trips):
    operations = [layer.prepare_send(SOCKET, {"text": "a"}), ops.FinishOrdered(SOCKET, 1)]
    trips.clear()
    assert layer.apply(operations) == [None, None]
    assert [len(commands) for commands in trips] == [1]


@pytest.mark.parametrize("end", [[], [ops.FinishOrdered(SOCKET, 1)]])
def test_a_row_that_was_refused_leaves_nothing_behind(make_layer, redis_server, end):
    layer = make_layer(channel_capacity={"websocket.send.*": 1})
    sends = [layer.prepare_send(SOCKET, {"n": n}) for n in range(3)]
    results = layer.apply([*sends, *end])
    assert isinstance(results[-1], HeldBack)
    assert marks(layer, redis_server) == []


def test_the_mark_of_a_pipeline_that_broke_does_not_stay(make_layer, redis_server):
    layer = make_layer(channel_capacity={"websocket.send.*": 1})
    sends = [layer.prepare_send(SOCKET, {"n": n}) for n in range(3)]
    batch, _ = layer.batches._make(sends, {})
    requests = [request for part, _ in batch for request in part]
    layer._sync.run(_ask(requests[:2]))
    (mark,) = marks(layer, redis_server)
    with redis_server.client() as client:
        assert 0 < client.pttl(mark) <= 60_000


def test_a_client_that_is_held_is_not_said_to_be_full(layer, redis_server):
    states = layer.keyspace.queue(SOCKET).states
    with redis_server.client() as client:
        client.hset(states, "a", "hold")
    (refusal,) = layer.apply([layer.prepare_send(SOCKET, {})])
    assert type(refusal) is ClientBusy
    assert str(refusal) == f"the client of '{SOCKET}' has more to read than it takes"


def _ask(requests):
    return (yield requests)
