"""What a worker thread knows without asking: whose turn it is, and what a session holds."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.redis import reader as turns
from channels.layers.redis.transport.sync_connection import Connection

SERVER = "server"
RECEIVE, DISCONNECT = "websocket.receive", "websocket.disconnect"


def socket(client):
    return f"websocket.send.{SERVER}!{client}"


@pytest.fixture
def trips(monkeypatch):
    """How often a reply was waited for."""
    count = []
    for name in ("exchange", "exchange_and_pop"):
        run = getattr(Connection, name)

        def note(self, *args, _run=run):
            count.append(_run.__name__)
            return _run(self, *args)

        monkeypatch.setattr(Connection, name, note)
    return count


@pytest.fixture
def reader(layer):
    reader = layer.open_reader([RECEIVE, DISCONNECT])
    yield reader
    reader.close()


def send(layer, order, client="a", channel=RECEIVE):
    layer.send(channel, {"reply_channel": socket(client), "order": order})


def take(reader, *operations):
    return reader.take(operations, 0.05)[1]


def begin(layer, delivery, owner="worker"):
    content = delivery.content
    asked = delivery.reader or layer
    return asked.begin_ordered(delivery, content["reply_channel"], content["order"], owner)


def finish(order, client="a"):
    return ops.FinishOrdered(socket(client), order)


def run_first(layer, reader, trips):
    """Run message 1 of a socket; the next `take` ends it."""
    send(layer, 1)
    assert begin(layer, take(reader)) is ops.Turn.RUN
    trips.clear()


def test_who_has_ended_a_message_begins_the_next_one_without_waiting(layer, reader, trips):
    run_first(layer, reader, trips)
    for order in (2, 3, 4):
        send(layer, order)
        trips.clear()
        assert begin(layer, take(reader, finish(order - 1))) is ops.Turn.RUN
        assert trips == ["exchange_and_pop"]


def test_a_turn_is_known_from_when_it_was_asked_for(layer, make_layer, reader, trips):
    """Not from when the answer was read: a thread may have stood still meanwhile."""
    run_first(layer, reader, trips)
    asked_at_s = time.monotonic()
    late = threading.Timer(0.3, send, [make_layer(), 2])
    late.start()
    reader.take([finish(1)], 5.0)
    late.join()
    _, until_s = reader._turns._next[socket("a")]
    assert until_s - turns.KNOWN_FOR_S < asked_at_s + 0.25


def test_that_it_runs_is_written_down_for_others(layer, make_layer, reader, trips):
    run_first(layer, reader, trips)
    send(layer, 2)
    begin(layer, take(reader, finish(1)), owner="this one")
    take(reader)

    running = make_layer().keyspace.server(SERVER, "running")
    ((entry,),) = [layer._sync.run(_ask("HVALS", running))]

    assert entry == b"this one 2 websocket.receive"


def _ask(*command):
    from channels.layers.redis.transport.plans import Request

    (reply,) = yield [Request(0, command)]
    return reply


def test_a_message_that_another_worker_ends_is_waited_for(layer, make_layer, reader, trips):
    other = make_layer()
    run_first(layer, reader, trips)
    send(layer, 3)
    early = take(reader, finish(1))
    assert begin(layer, early) is ops.Turn.PARKED
    second = ops.Delivery(RECEIVE, {"reply_channel": socket("a"), "order": 2})
    assert begin(other, second) is ops.Turn.RUN
    (freed,) = other.apply([finish(2)])
    assert freed.content["order"] == 3


@pytest.mark.parametrize("change", ["late", "retried", "disconnect"])
def test_what_may_have_been_seen_before_is_asked_for(layer, reader, trips, monkeypatch, change):
    run_first(layer, reader, trips)
    send(layer, 2, channel=DISCONNECT if change == "disconnect" else RECEIVE)
    delivery = take(reader, finish(1))
    if change == "retried":
        delivery.attempts = 1
    if change == "late":
        monkeypatch.setattr("time.monotonic", lambda: 10**9)
    trips.clear()

    assert begin(layer, delivery) is ops.Turn.RUN

    assert trips == ["exchange"]


def test_the_end_of_a_message_counts_even_if_word_of_its_begin_was_lost(layer, reader, trips):
    run_first(layer, reader, trips)
    take(reader, finish(1))

    assert layer.apply([finish(2)]) == [None]

    third = ops.Delivery(RECEIVE, {"reply_channel": socket("a"), "order": 3})
    assert begin(layer, third) is ops.Turn.RUN


def test_the_end_of_a_message_that_ran_elsewhere_tells_nothing(layer, reader, trips):
    send(layer, 1)
    take(reader)
    take(reader, finish(1))
    assert not reader._turns._next


def test_sockets_beyond_the_limit_are_forgotten(monkeypatch):
    monkeypatch.setattr(turns, "KNOWN_SOCKETS", 2)
    known = turns.KnownTurns()
    for client in "abc":
        known.note_begin(socket(client), 1)
        known.note_end(finish(1, client), None, 0.0)
    assert list(known._next) == [socket("b"), socket("c")]


def test_a_session_that_was_foreseen_is_not_waited_for_again(layer, reader, trips):
    layer.apply([layer.prepare_session(socket("a"), {"name": "Ann"})])
    take(reader)
    foreseen = reader.foresee_session(socket("a"))
    trips.clear()

    assert foreseen() == {"name": "Ann"}
    assert trips == []
    layer.apply([layer.prepare_session(socket("a"), {"name": "Bob"})])
    assert foreseen() is None  # it is given once
    assert layer.load_session(socket("a")) == {"name": "Bob"}


def test_a_session_foreseen_for_one_message_is_not_used_for_the_next(layer, reader):
    take(reader)
    foreseen = reader.foresee_session(socket("a"))
    layer.apply([layer.prepare_session(socket("a"), {"name": "Ann"})])
    take(reader)
    assert foreseen() is None
    assert layer.load_session(socket("a")) == {"name": "Ann"}


def test_a_foreseen_session_is_left_alone_in_other_threads(layer, reader):
    layer.apply([layer.prepare_session(socket("a"), {"name": "Ann"})])
    take(reader)
    foreseen = reader.foresee_session(socket("a"))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(foreseen).result() is None
    assert foreseen() == {"name": "Ann"}


def test_a_delivery_knows_its_reader_in_every_way_it_comes(layer, reader):
    send(layer, 2)
    send(layer, 1)
    early = take(reader)
    assert early.reader is reader
    begin(layer, early)
    first = take(reader)
    begin(layer, first)
    (freed,), _ = reader.take([finish(1)])
    assert freed.content["order"] == 2 and freed.reader is reader


def test_after_an_outage_it_is_asked_again(layer, make_layer, reader, trips, redis_server):
    run_first(layer, reader, trips)
    take(reader, finish(1))
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(LayerUnavailable):
        take(reader)
    send(make_layer(), 2)
    delivery = take(reader)
    with contextlib.suppress(LayerUnavailable):
        layer.load_session(socket("a"))  # whose connection is gone, too
    trips.clear()

    assert begin(layer, delivery) is ops.Turn.RUN
    assert trips == ["exchange"]
