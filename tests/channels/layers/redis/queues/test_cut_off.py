"""Redis goes away while the next message is waited for: what was carried out before stays done."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.transport.plans import Block, Step
from channels.layers.redis.transport.wire import raise_if_all_are_away
from tests.processes import RedisServer, wait_until

SOCKET = "websocket.send.server!client"
NOT_SENT = LayerUnavailable("nobody knows who has the slot", was_sent=False)
MAYBE_SENT = LayerUnavailable("timed out", was_sent=True)


@pytest.fixture
def two_hosts(redis_server: RedisServer) -> Iterator[RedisChannelLayer]:
    with contextlib.closing(RedisChannelLayer(hosts=[redis_server.url] * 2)) as layer:
        yield layer


def take(
    layer: RedisChannelLayer, operations: list[Any], answer: Callable[[Step], list[Any]]
) -> tuple[list[Any], ops.Delivery | None]:
    """What a worker of several hosts takes; all of them are away once it waits."""
    cursor = Cursor(layer.keyspace, ["work"])
    cursor.promote_at_s = float("inf")
    plan = layer.batches.take(cursor, operations, 1.0, 0.0)
    try:
        step = next(plan)
        while not isinstance(step, Block):
            step = plan.send(answer(step))
        plan.throw(NOT_SENT)
    except StopIteration as stop:
        results, delivery = stop.value
        return results, delivery
    raise AssertionError("the plan went on without a host")


def empty(step: Any) -> list[Any]:
    """Nothing is on the queues, and whatever else is asked for is done."""
    return [[0, b""] if len(request.command) == 4 else 0 for request in step]


def test_what_was_carried_out_before_all_hosts_went_away_is_not_carried_out_again(
    two_hosts: RedisChannelLayer,
) -> None:
    send = two_hosts.prepare_send("websocket.send.server!client", {"text": "once"})
    assert take(two_hosts, [send], empty) == ([None], None)


def test_who_had_nothing_to_do_but_wait_is_told_that_all_are_away(
    two_hosts: RedisChannelLayer,
) -> None:
    with pytest.raises(LayerUnavailable):
        take(two_hosts, [], empty)


def test_what_was_not_sent_is_not_taken_for_sent_as_nobody_said_who_is_in_its_group(
    two_hosts: RedisChannelLayer,
) -> None:
    sends = [
        two_hosts.prepare_send(SOCKET, {"text": "mine"}),
        two_hosts.prepare_send_group("room", {"text": "all"}),
    ]
    with pytest.raises(LayerUnavailable) as caught:
        take(two_hosts, sends, lambda step: [MAYBE_SENT] * len(list(step)))
    assert not caught.value.was_sent


def test_what_one_host_may_have_done_is_not_repeated_as_another_was_not_reached() -> None:
    with pytest.raises(LayerUnavailable) as caught:
        raise_if_all_are_away([NOT_SENT, MAYBE_SENT, NOT_SENT], 2)
    assert caught.value.was_sent


def test_what_reached_no_host_is_repeated_whatever_became_of_the_fetch() -> None:
    with pytest.raises(LayerUnavailable) as caught:
        raise_if_all_are_away([NOT_SENT, NOT_SENT, MAYBE_SENT], 2)
    assert not caught.value.was_sent


def wait_until_blocked(server: RedisServer) -> None:
    with server.client() as client:
        wait_until(lambda: client.info("clients")["blocked_clients"], what="a pop")


def test_a_reader_whose_connection_breaks_while_it_waits_knows_what_was_carried_out(
    layer: RedisChannelLayer, make_layer: Callable[[], RedisChannelLayer], redis_server: RedisServer
) -> None:
    taken: list[Any] = []
    reader = layer.open_reader(["work"])
    send = layer.prepare_send("done", {})
    thread = threading.Thread(target=lambda: taken.append(reader.take([send], 10.0)))
    thread.start()
    wait_until_blocked(redis_server)
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    thread.join(10)
    assert taken == [([None], None)]
    assert make_layer().receive(["done"]) == ("done", {})
    reader.close()


def test_whose_turn_is_next_is_not_taken_for_known_after_the_connection_broke(
    layer: RedisChannelLayer, redis_server: RedisServer
) -> None:
    reader = layer.open_reader(["websocket.receive"])
    layer.send("websocket.receive", {"reply_channel": SOCKET, "order": 1})
    _, first = reader.take()
    assert first is not None
    assert reader.begin_ordered(first, SOCKET, 1, "worker") is ops.Turn.RUN
    finish = ops.FinishOrdered(SOCKET, 1)
    thread = threading.Thread(target=lambda: reader.take([finish], 10.0))
    thread.start()
    wait_until_blocked(redis_server)
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    thread.join(10)
    assert not reader._turns._next
    reader.close()
