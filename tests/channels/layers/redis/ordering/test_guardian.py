"""Ordered sockets whose worker died, or whose next message was lost, go on or are closed."""

import asyncio
import contextlib

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.operations import (
    Delivery,
    FinishOrdered,
    ForgetSocket,
    PutBack,
    ReleaseOrdered,
    Retry,
    Turn,
)
from channels.layers.redis.ordering import guardian as guardian_module
from channels.layers.redis.ordering.guardian import SUSPECT_S
from channels.layers.redis.presence import heartbeat

SERVER, CLIENT = "server", "client"
SOCKET = f"websocket.send.{SERVER}!{CLIENT}"
RECEIVE, DISCONNECT = "websocket.receive", "websocket.disconnect"


@pytest.fixture
def guardian(layer):
    return layer.make_guardian()


@pytest.fixture
def out_of_patience(monkeypatch):
    """Every socket that waits has waited for long, and nothing else explains it."""
    monkeypatch.setattr(guardian_module, "PATIENCE_MS", -1)
    monkeypatch.setattr(guardian_module, "QUEUED_WITHIN_MS", 0)


def look_after(layer, guardian, now_s=0.0):
    return layer._sync.run(guardian.look_after(SERVER, now_s))


def arrive(layer, order, channel=RECEIVE, owner="worker"):
    content = {"reply_channel": SOCKET, "order": order}
    return layer.begin_ordered(Delivery(channel, content), SOCKET, order, owner)


def finish(layer, order):
    (freed,) = layer.apply([FinishOrdered(SOCKET, order)])
    return freed


def come_again(layer, *channels):
    """Receive what was put back, as deliveries."""
    reader = layer.open_reader(list(channels) or [RECEIVE, DISCONNECT])
    _, delivery = reader.take()
    reader.close()
    return delivery


def live(layer, worker_id):
    layer.keep_house(worker_id, {}, {RECEIVE})


def count(layer, key, channel=RECEIVE):
    return layer.channel_statistics(channel)[key]


def end_dead_work(layer, guardian):
    look_after(layer, guardian, 0.0)
    look_after(layer, guardian, SUSPECT_S)


# -- a worker was killed ------------------------------------------------------------------------


def look_often(layer, guardian, until_s, since_s=0.0):
    """Look as often as a server does; return when the next message of the socket may run."""
    now_s = since_s
    while now_s <= until_s:
        look_after(layer, guardian, now_s)
        if until_s < guardian_module.SUSPECT_S and count(layer, "lost_count"):
            return now_s - since_s
        now_s += 0.5
    return None


def kill(worker):
    """What the kernel does for a process that is killed."""
    worker._lifeline.let_go()


def test_a_socket_goes_on_within_five_seconds_of_its_workers_death(make_layer, guardian):
    layer, worker = make_layer(), make_layer()
    live(worker, "worker")
    arrive(layer, 0)
    arrive(layer, 1)
    assert look_often(layer, guardian, 2.0) is None
    kill(worker)
    assert look_often(layer, guardian, 7.0, since_s=2.5) <= 4.0
    assert come_again(layer).content["order"] == 1


def test_a_worker_that_stands_still_keeps_what_it_runs(make_layer, guardian):
    layer, worker = make_layer(), make_layer()
    live(worker, "worker")
    arrive(layer, 0)
    assert look_often(layer, guardian, 8.5) is None


def test_a_worker_whose_connections_were_killed_comes_back_in_time(
    make_layer, guardian, redis_server
):
    layer, worker = make_layer(), make_layer()
    live(worker, "worker")
    arrive(layer, 0)
    look_often(layer, guardian, 1.0)
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    for each in (layer, worker):
        with contextlib.suppress(LayerUnavailable):  # its pooled connection has gone as well
            each.receive(["nothing"])
    look_often(layer, guardian, 3.0, since_s=1.5)
    live(worker, "worker")
    assert look_often(layer, guardian, 8.5, since_s=3.5) is None


def test_after_an_outage_workers_have_time_to_come_back(make_layer, guardian):
    layer, worker = make_layer(), make_layer()
    live(worker, "worker")
    arrive(layer, 0)
    look_often(layer, guardian, 1.0)
    kill(worker)
    look_after(layer, guardian, 5.0)
    look_after(layer, guardian, 7.0)
    assert count(layer, "lost_count") == 0


def test_while_connections_break_nobody_is_taken_for_killed(make_layer, guardian):
    layer, worker = make_layer(), make_layer()
    live(worker, "worker")
    arrive(layer, 0)
    look_often(layer, guardian, 1.0)
    kill(worker)
    for step in range(12):
        guardian.doubt()
        look_after(layer, guardian, 1.5 + step / 2)
    assert count(layer, "lost_count") == 0


def test_who_may_not_ask_for_connections_waits_for_signs_of_life(layer, guardian, monkeypatch):
    live(layer, "worker")
    arrive(layer, 0)
    kill(layer)
    refuse = ("CLIENT", "NO-SUCH-COMMAND")
    original = type(layer.registry).find_lost

    def find_lost(self, ids):
        plan = original(self, ids)
        (request,) = next(plan)
        (request,) = plan.send((yield [request]))
        replies = yield [request._replace(command=refuse)]
        try:
            plan.send(replies)
        except StopIteration as stop:
            return stop.value

    monkeypatch.setattr(type(layer.registry), "find_lost", find_lost)
    assert look_often(layer, guardian, 8.5) is None


# -- a worker died ------------------------------------------------------------------------------


def test_what_a_dead_worker_ran_is_ended_and_the_next_message_comes(layer, guardian, caplog):
    assert arrive(layer, 0, "websocket.connect", owner="dead") is Turn.RUN
    assert arrive(layer, 1) is Turn.PARKED
    end_dead_work(layer, guardian)
    delivery = come_again(layer)
    assert (delivery.channel, delivery.content["order"]) == (RECEIVE, 1)
    assert arrive(layer, 1) is Turn.RUN
    assert count(layer, "lost_count", "websocket.connect") == 1
    assert f"worker dead died while it ran message 0 of socket {SOCKET}" in caplog.text


def test_a_socket_goes_on_after_its_worker_died_though_nothing_was_parked(layer, guardian):
    arrive(layer, 0, owner="dead")
    end_dead_work(layer, guardian)
    assert arrive(layer, 1) is Turn.RUN


def test_what_a_living_worker_runs_is_left_alone_however_long_it_takes(layer, guardian):
    live(layer, "worker")
    arrive(layer, 0)
    arrive(layer, 1)
    for now_s in (0.0, 100.0, 1_000.0):
        look_after(layer, guardian, now_s)
    assert arrive(layer, 1) is Turn.STALE  # still parked
    assert finish(layer, 0).content["order"] == 1


def test_a_worker_that_shows_itself_again_in_time_was_not_dead(layer, guardian):
    arrive(layer, 0)
    look_after(layer, guardian, 0.0)
    live(layer, "worker")
    look_after(layer, guardian, SUSPECT_S)
    assert arrive(layer, 0) is Turn.STALE  # it still runs
    assert count(layer, "lost_count") == 0


def test_a_worker_is_not_dead_the_first_time_it_is_not_seen(layer, guardian):
    arrive(layer, 0)
    look_after(layer, guardian, 1_000.0)
    assert arrive(layer, 1) is Turn.PARKED


def test_work_that_another_worker_took_over_is_not_ended(layer, guardian):
    live(layer, "worker")
    arrive(layer, 0, owner="dead")
    look_after(layer, guardian, 0.0)
    layer.apply([ReleaseOrdered(SOCKET, 0)])
    arrive(layer, 0, owner="worker")
    look_after(layer, guardian, SUSPECT_S)
    assert arrive(layer, 1) is Turn.PARKED


def test_a_worker_that_was_only_thought_dead_does_no_harm(layer, guardian):
    arrive(layer, 0, owner="paused")
    arrive(layer, 1)
    end_dead_work(layer, guardian)
    assert arrive(layer, 1, owner="worker") is Turn.RUN
    assert finish(layer, 0) is None
    layer.apply([ReleaseOrdered(SOCKET, 0)])
    assert arrive(layer, 0) is Turn.STALE
    assert arrive(layer, 2) is Turn.PARKED


def test_the_answer_of_a_worker_that_was_thought_dead_does_not_come_after_later_ones(
    layer, guardian, caplog
):
    caplog.set_level("INFO", "channels.layers")
    arrive(layer, 0, owner="paused")
    arrive(layer, 1)
    end_dead_work(layer, guardian)
    assert arrive(layer, 1, owner="worker") is Turn.RUN
    late, in_time = [
        [layer.prepare_send(SOCKET, {"text": str(order)}), FinishOrdered(SOCKET, order)]
        for order in (0, 1)
    ]
    assert layer.apply(in_time) == [None, None]
    assert layer.apply(late) == [None, None]
    assert "the answer to message 0" in caplog.text
    answers = f"websocket.send.{SERVER}!"
    assert [layer.receive([answers])[1] for _ in range(2)] == [{"text": "1"}, None]
    assert arrive(layer, 2) is Turn.RUN


def test_an_answer_that_is_sent_again_comes_once_and_sets_free_what_waits_for_it(layer):
    arrive(layer, 0)
    arrive(layer, 1)
    answer = [layer.prepare_send(SOCKET, {"text": "0"}), FinishOrdered(SOCKET, 0)]
    for _ in range(2):
        sent, freed = layer.apply(answer)
        assert (sent, freed.content["order"]) == (None, 1)
    answers = f"websocket.send.{SERVER}!"
    assert [layer.receive([answers])[1] for _ in range(2)] == [{"text": "0"}, None]


def test_who_lets_a_message_begin_again_too_late_leaves_it_to_who_runs_it(layer):
    arrive(layer, 0, owner="paused")
    layer.apply([ReleaseOrdered(SOCKET, 0, "paused")])
    assert arrive(layer, 0, owner="worker") is Turn.RUN
    layer.apply([ReleaseOrdered(SOCKET, 0, "paused")])
    assert arrive(layer, 0, owner="third") is Turn.STALE
    layer.apply([ReleaseOrdered(SOCKET, 0, "worker")])
    assert arrive(layer, 0, owner="third") is Turn.RUN


# -- a message was lost -------------------------------------------------------------------------


def test_a_socket_whose_next_message_was_lost_is_given_up(layer, guardian, out_of_patience, caplog):
    arrive(layer, 0)
    finish(layer, 0)
    assert [arrive(layer, order) for order in (2, 3)] == [Turn.PARKED] * 2
    assert look_after(layer, guardian) == [CLIENT]
    assert arrive(layer, 1) is Turn.STALE
    assert arrive(layer, 4, DISCONNECT) is Turn.RUN
    assert arrive(layer, 4, DISCONNECT) is Turn.STALE
    assert count(layer, "dropped_count") == 3
    assert f"socket {SOCKET} is given up: its message 1 did not come" in caplog.text
    assert look_after(layer, guardian) == []


def test_a_parked_disconnect_whose_predecessor_was_lost_runs_once(layer, guardian, out_of_patience):
    arrive(layer, 0)
    finish(layer, 0)
    arrive(layer, 2)
    arrive(layer, 3, DISCONNECT)
    assert look_after(layer, guardian) == []  # its socket is closed already
    assert come_again(layer).channel == DISCONNECT
    assert arrive(layer, 3, DISCONNECT) is Turn.RUN
    assert look_after(layer, guardian) == []
    assert come_again(layer) is None


def test_a_disconnect_that_was_handed_out_and_lost_is_handed_out_again(
    layer, guardian, out_of_patience
):
    arrive(layer, 0)
    finish(layer, 0)
    arrive(layer, 2, DISCONNECT)
    for _ in range(2):
        look_after(layer, guardian)
        assert come_again(layer).channel == DISCONNECT
    assert arrive(layer, 2, DISCONNECT) is Turn.RUN


def test_a_socket_waits_as_long_as_its_next_message_may_be_queued(
    layer, guardian, out_of_patience, monkeypatch
):
    arrive(layer, 0)
    finish(layer, 0)
    layer.send(RECEIVE, {"reply_channel": SOCKET, "order": 1})
    monkeypatch.setattr(guardian_module, "QUEUED_WITHIN_MS", 10_000)
    arrive(layer, 2)
    assert look_after(layer, guardian) == []
    assert come_again(layer).content["order"] == 1
    assert look_after(layer, guardian) == [CLIENT]


def test_a_socket_waits_while_its_predecessor_runs(layer, guardian, out_of_patience):
    live(layer, "worker")
    arrive(layer, 0)
    arrive(layer, 1)
    assert look_after(layer, guardian) == []
    assert finish(layer, 0).content["order"] == 1


def test_a_socket_is_not_given_up_soon(layer, guardian):
    arrive(layer, 0)
    finish(layer, 0)
    arrive(layer, 2)
    assert look_after(layer, guardian) == []
    assert arrive(layer, 1) is Turn.RUN


def test_a_message_that_was_set_free_and_lost_comes_again(layer, guardian, out_of_patience):
    arrive(layer, 0)
    arrive(layer, 1)
    freed = finish(layer, 0)  # and whoever got it is killed
    assert look_after(layer, guardian) == []
    assert come_again(layer).content == freed.content
    assert arrive(layer, 1) is Turn.RUN
    assert arrive(layer, 1) is Turn.STALE


def test_a_retried_message_that_is_lost_costs_the_socket(layer, guardian, out_of_patience):
    arrive(layer, 0)
    arrive(layer, 1)
    layer.apply([ReleaseOrdered(SOCKET, 0)])
    assert look_after(layer, guardian) == [CLIENT]


# -- ends that are told twice -------------------------------------------------------------------


def test_finishing_again_returns_the_freed_message_until_it_has_begun(layer):
    arrive(layer, 0)
    arrive(layer, 1)
    assert [finish(layer, 0).content["order"] for _ in range(3)] == [1, 1, 1]
    assert arrive(layer, 1) is Turn.RUN
    assert finish(layer, 0) is None
    assert finish(layer, 1) is None


def test_two_copies_of_a_freed_message_run_once(layer):
    arrive(layer, 0)
    arrive(layer, 1)
    copies = [finish(layer, 0), finish(layer, 0)]
    layer.apply([PutBack(copy) for copy in copies])
    turns = [layer.begin_ordered(come_again(layer), SOCKET, 1, "worker") for _ in copies]
    assert turns == [Turn.RUN, Turn.STALE]


def test_a_freed_message_that_is_retried_keeps_its_place(layer):
    arrive(layer, 0)
    arrive(layer, 1)
    arrive(layer, 2)
    freed = finish(layer, 0)
    assert layer.begin_ordered(freed, SOCKET, 1, "worker") is Turn.RUN
    layer.apply([ReleaseOrdered(SOCKET, 1), Retry(freed, 0.0)])
    assert finish(layer, 0) is None
    assert layer.begin_ordered(come_again(layer), SOCKET, 1, "worker") is Turn.RUN
    assert finish(layer, 1).content["order"] == 2


# -- servers that end ---------------------------------------------------------------------------


def end_sockets(layer, guardian):
    return layer._sync.run(guardian.end_sockets(SERVER))


def test_the_parked_disconnect_of_a_dead_servers_socket_runs(layer, guardian):
    arrive(layer, 0)
    finish(layer, 0)
    arrive(layer, 2, DISCONNECT)
    assert end_sockets(layer, guardian)
    assert come_again(layer).channel == DISCONNECT
    assert arrive(layer, 2, DISCONNECT) is Turn.RUN


def test_a_disconnect_that_waits_for_a_dead_worker_runs_after_its_servers_death(layer, guardian):
    arrive(layer, 0, owner="dead")
    assert end_sockets(layer, guardian)
    assert arrive(layer, 1, DISCONNECT) is Turn.RUN


def test_what_waits_for_a_dead_worker_runs_one_after_another_after_its_servers_death(
    layer, guardian
):
    live(layer, "worker")
    arrive(layer, 0, owner="dead")
    arrive(layer, 1)
    arrive(layer, 2)
    arrive(layer, 3, DISCONNECT)
    assert not end_sockets(layer, guardian)
    assert come_again(layer).content["order"] == 1
    assert come_again(layer) is None
    assert arrive(layer, 1) is Turn.RUN
    assert not end_sockets(layer, guardian)
    assert come_again(layer) is None
    assert finish(layer, 1).content["order"] == 2
    assert end_sockets(
        layer, guardian
    )  # which was set free just now, and may be lost with its worker
    assert come_again(layer).content["order"] == 2
    assert arrive(layer, 2) is Turn.RUN
    assert finish(layer, 2).channel == DISCONNECT
    assert arrive(layer, 3, DISCONNECT) is Turn.RUN
    assert count(layer, "dropped_count") == 0


def test_what_runs_when_its_server_dies_is_not_disturbed(layer, guardian):
    live(layer, "worker")
    arrive(layer, 0)
    arrive(layer, 1, DISCONNECT)
    assert not end_sockets(layer, guardian)
    assert finish(layer, 0).channel == DISCONNECT


def test_a_server_that_leaves_stays_registered_while_a_turn_is_open(layer, redis_server):
    def registered():
        with redis_server.client() as client:
            return client.zrange(layer.keyspace.registry("servers"), 0, -1)

    layer._sync.run(layer.presence.beat(SERVER, {}, 1, 0))
    arrive(layer, 0)
    layer._sync.run(layer.presence.leave(SERVER))
    assert registered() == [SERVER.encode()]
    finish(layer, 0)
    layer._sync.run(layer.presence.leave(SERVER))
    assert registered() == []


def test_a_forgotten_socket_leaves_nothing_to_look_after(layer, redis_server):
    arrive(layer, 0)
    arrive(layer, 2)
    layer.apply([FinishOrdered(SOCKET, 0), ForgetSocket(SOCKET)])
    with redis_server.client() as client:
        keys = b" ".join(client.scan_iter())
    assert b":order:" in keys
    assert b":waiting" not in keys and b":running" not in keys


# -- the link -----------------------------------------------------------------------------------


@pytest.fixture
def quick_link(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_EVERY_S", 0.02)


async def run_link(layer, scenario):
    """Run `await scenario(link, replies)` with a started link of SERVER."""
    replies = []
    link = layer.open_link(SERVER, lambda *reply: replies.append(reply), lambda: None)
    await link.start()
    try:
        await scenario(link, replies)
    finally:
        await link.stop()
        await layer.aclose()


async def wait_until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


def test_a_link_closes_its_socket_with_1011_when_a_message_is_lost(
    layer, out_of_patience, quick_link
):
    async def scenario(link, replies):
        arrive(layer, 0)
        finish(layer, 0)
        arrive(layer, 2)
        await wait_until(lambda: replies)
        assert replies == [([CLIENT], {"close": 1011})]

    asyncio.run(run_link(layer, scenario))


def test_a_link_sees_its_socket_on_when_a_worker_dies(layer, quick_link, monkeypatch):
    monkeypatch.setattr(guardian_module, "SUSPECT_S", 0.0)

    async def scenario(link, replies):
        arrive(layer, 0, owner="dead")
        arrive(layer, 1)
        delivery = []
        await wait_until(lambda: delivery.append(come_again(layer)) or delivery[-1])
        assert delivery[-1].content["order"] == 1

    asyncio.run(run_link(layer, scenario))


def test_a_disconnect_of_a_socket_whose_order_was_wiped_with_redis_runs(
    layer, quick_link, redis_server
):
    async def scenario(link, replies):
        await wait_until(lambda: layer.is_read(SOCKET))
        await link.open_socket(CLIENT, {"reply_channel": SOCKET, "order": 0})
        redis_server.wipe()
        await wait_until(lambda: link.server_id != SERVER)
        await link.close_socket(CLIENT, {"reply_channel": SOCKET, "order": 59})
        assert arrive(layer, 59, DISCONNECT) is Turn.RUN

    asyncio.run(run_link(layer, scenario))


def test_a_parked_copy_of_what_has_run_without_asking_keeps_nobody_waiting(
    layer, guardian, out_of_patience
):
    for order in (1, 3):
        arrive(layer, order)
    finish(layer, 1)
    arrive(layer, 2)
    assert finish(layer, 2)  # the parked one is to run: another copy does, by a known turn
    assert not finish(layer, 3)

    assert look_after(layer, guardian) == []
    assert arrive(layer, 4) is Turn.RUN


def test_how_long_a_message_has_been_queued_is_never_told_too_short(layer, monkeypatch):
    """It came in the millisecond in which it is looked at, by clocks that tell whole ones."""
    guardian = layer.make_guardian()

    def look(server_id, age_ms):
        return [], [], 1_000.0
        yield

    def find_oldest_queued():
        return 1_000.0
        yield

    monkeypatch.setattr(guardian, "_look", look)
    monkeypatch.setattr(guardian, "_find_oldest_queued", find_oldest_queued)
    assert layer._sync.run(guardian.find_at_work("server")) == ([], 0.001)
