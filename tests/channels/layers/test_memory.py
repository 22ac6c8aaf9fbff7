import asyncio
import signal
import subprocess
import sys
import unittest

import pytest

from channels.exceptions import ChannelFull, ClientGone, InvalidMessage
from channels.layers.memory import ChannelLayer, MemoryChannelLayer
from channels.layers.operations import (
    DeadLetter,
    Delivery,
    FinishOrdered,
    ForgetSocket,
    PutBack,
    ReleaseOrdered,
    Turn,
)
from channels.test.conformance import ConformanceSuite
from channels.test.conformance.classic import ConformanceTestCase as ClassicSuite

SOCKET = "websocket.send.server!client"


class ManualClock:
    """A clock that stands still until it is moved, and counts how often it is read."""

    def __init__(self, now=1_700_000_000.0):
        self.now = now
        self.reads = 0

    def __call__(self):
        self.reads += 1
        return self.now


class MemoryConformance(ConformanceSuite, unittest.TestCase):
    def make_layer(self, **config):
        return MemoryChannelLayer(clock=ManualClock(), **config)

    def let_time_pass(self, layer, seconds):
        layer.clock.now += seconds
        layer.wake_all()


class ClassicConformance(ClassicSuite):
    channel_layer = MemoryChannelLayer(expiry=0.05, group_expiry=0.05, capacity=5)
    expiry_delay = 0.06
    capacity_limit = 5


del ClassicSuite  # or it would be collected, too


@pytest.fixture
def layer():
    return MemoryChannelLayer(clock=ManualClock(), capacity=5)


@pytest.fixture
def pass_time(layer):
    """Move the layer's clock by some seconds."""

    def move(seconds):
        layer.clock.now += seconds
        layer.wake_all()

    return move


def take(layer, channel, message=None):
    """Send a message, if there is one to send, and take the first."""
    if message is not None:
        layer.send(channel, message)
    _, delivery = layer.open_reader([channel]).take(block_s=5.0)
    assert isinstance(delivery, Delivery)
    return delivery


def run_with_link(layer, scenario):
    """Run `await scenario(link, replies)` with a started link."""
    replies = []

    async def run():
        link = layer.open_link("server", lambda *reply: replies.append(reply), lambda: None)
        await link.start()
        try:
            await scenario(link, replies)
        finally:
            await link.stop()

    asyncio.run(run())


async def let_tasks_run():
    for _ in range(5):
        await asyncio.sleep(0)


# -- what it is -----------------------------------------------------------------------------------


def test_it_says_that_it_works_in_one_process_only(layer):
    assert layer.is_local


def test_it_has_its_name_of_1x():
    assert ChannelLayer is MemoryChannelLayer


def test_importing_it_imports_no_redis():
    code = "import sys, channels.layers.memory; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# -- waiting --------------------------------------------------------------------------------------


def test_a_reader_that_waits_does_not_poll(layer):
    reader = layer.open_reader(["quiet"])
    reads = layer.clock.reads
    assert reader.take(block_s=0.1) == ([], None)
    assert layer.clock.reads - reads <= 5


def test_a_reader_in_the_main_thread_can_be_interrupted_by_a_signal(layer):
    reader = layer.open_reader(["quiet"])
    old = signal.signal(signal.SIGALRM, lambda *args: reader.interrupt())
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        assert reader.take(block_s=60.0) == ([], None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_an_interrupt_before_the_wait_is_not_missed(layer):
    reader = layer.open_reader(["quiet"])
    reader.interrupt()
    assert reader.take(block_s=60.0) == ([], None)


def test_a_message_goes_before_an_interrupt(layer):
    reader = layer.open_reader(["work"])
    layer.send("work", {"n": 1})
    reader.interrupt()
    assert reader.take(block_s=60.0)[1].content == {"n": 1}


def test_a_waiter_of_a_closed_loop_keeps_no_message_from_others(layer):
    loop = asyncio.new_event_loop()
    forgotten = loop.create_task(layer.areceive(["shared"], block=True))
    loop.run_until_complete(let_tasks_run())
    loop.close()

    async def receive():
        waiting = asyncio.ensure_future(layer.areceive(["shared"], block=True))
        await let_tasks_run()
        layer.send("shared", {"n": 1})
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(receive()) == ("shared", {"n": 1})
    forgotten._log_destroy_pending = False


def test_who_is_cancelled_after_being_woken_wakes_another(layer):
    async def receive():
        first, second = (
            asyncio.ensure_future(layer.areceive(["shared"], block=True)) for _ in range(2)
        )
        await let_tasks_run()
        layer.send("shared", {"n": 1})  # wakes the first, which has no chance to run
        first.cancel()
        return await asyncio.wait_for(second, 5)

    assert asyncio.run(receive()) == ("shared", {"n": 1})


def test_a_reader_that_waits_wakes_when_a_delayed_message_is_due():
    layer = MemoryChannelLayer()

    async def receive():
        waiting = asyncio.ensure_future(layer.areceive(["later"], block=True))
        await let_tasks_run()
        layer.send("later", {"n": 1}, delay_s=0.02)
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(receive()) == ("later", {"n": 1})


def test_who_is_cancelled_while_a_message_is_delayed_lets_another_wait_for_it():
    layer = MemoryChannelLayer()

    async def receive():
        first, second = (
            asyncio.ensure_future(layer.areceive(["later"], block=True)) for _ in range(2)
        )
        await let_tasks_run()
        layer.send("later", {"n": 1}, delay_s=0.02)
        await let_tasks_run()
        first.cancel()
        return await asyncio.wait_for(second, 5)

    assert asyncio.run(receive()) == ("later", {"n": 1})


# -- operations -----------------------------------------------------------------------------------


def test_a_delivery_from_elsewhere_is_refused(layer):
    with pytest.raises(ValueError, match="'work' did not come from this layer"):
        layer.apply([PutBack(Delivery("work", {}))])


def test_what_is_no_operation_is_refused(layer):
    with pytest.raises(TypeError, match="channels.layers.operations"):
        layer.apply(["send it"])


def test_the_last_thousand_dead_letters_are_kept(layer):
    for n in range(1_003):
        layer.apply([DeadLetter(take(layer, "work", {"n": n}), "failed")])
    kept = [letter["content"]["n"] for letter in layer.dead_letters("work")]
    assert kept == [*range(3, 1_003)]
    assert layer.channel_statistics("work")["dead_letter_count"] == 1_003


# -- what is forgotten, and when ------------------------------------------------------------------


def test_nothing_is_left_of_single_reader_channels_but_their_counts(layer, pass_time):
    for n in range(50):
        layer.send(f"body?{n}", {})
    pass_time(61)
    layer.send("other", {})
    assert layer.global_statistics()["expired_count"] == 50
    pass_time(3_000)
    layer.send("other", {})
    assert list(layer.store._queues) == ["other"]
    totals = layer.global_statistics()
    assert (totals["expired_count"], totals["messages_count"]) == (51, 52)


def test_expired_members_leave_groups_that_nobody_looks_at(pass_time, layer):
    layer.group_add("group", "proc!a")
    pass_time(2 * layer.group_expiry)
    layer.send("other", {})
    assert layer.store.groups._groups == layer.store.groups._joined == {}


def test_sessions_of_sockets_of_no_server_expire_in_the_end(layer, pass_time):
    layer.apply([layer.prepare_session(SOCKET, {"a": 1})])
    pass_time(layer.group_expiry / 2)
    assert layer.load_session(SOCKET) == {"a": 1}
    pass_time(layer.group_expiry + 1)
    layer.send("other", {})
    assert layer.load_session(SOCKET) == {}


def test_sessions_of_sockets_of_a_live_server_do_not_expire(layer, pass_time):
    async def scenario(link, replies):
        layer.apply([layer.prepare_session(SOCKET, {"a": 1})])
        pass_time(10 * layer.group_expiry)
        layer.send("other", {})
        assert layer.load_session(SOCKET) == {"a": 1}

    run_with_link(layer, scenario)


def test_a_straggler_does_not_bring_a_forgotten_session_back(layer, pass_time):
    save = layer.prepare_session(SOCKET, {"a": 1})
    layer.apply([ForgetSocket(SOCKET), save])
    assert layer.load_session(SOCKET) == {}
    pass_time(61)
    layer.apply([save])
    assert layer.load_session(SOCKET) == {"a": 1}


def test_nothing_is_left_of_forgotten_sockets(layer, pass_time):
    for n in range(100):
        socket = f"websocket.send.server!{n}"
        layer.apply([layer.prepare_session(socket, {"a": 1})])
        layer.begin_ordered(take(layer, "work", {}), socket, 0, "worker")
        layer.apply([ForgetSocket(socket)])
    pass_time(100)
    layer.send("other", {})
    sockets = layer.store.sockets
    assert sockets._sessions == sockets._orders == sockets._touched == sockets._forgotten == {}


def test_the_rate_is_that_of_the_last_seconds(layer, pass_time):
    def rate():
        return layer.channel_statistics("rated")["messages_count_per_second"]

    for _ in range(20):
        take(layer, "rated", {})
    assert rate() == pytest.approx(2.0)
    pass_time(12)
    assert 0 < rate() < 2.0
    pass_time(20)
    assert rate() == 0


# -- ordering -------------------------------------------------------------------------------------


def test_a_released_message_that_nobody_begins_counts_as_finished(layer, pass_time):
    for order, turn in [(0, Turn.RUN), (1, Turn.PARKED)]:
        delivery = take(layer, "work", {"order": order})
        assert layer.begin_ordered(delivery, SOCKET, order, "worker") is turn
    layer.apply([ReleaseOrdered(SOCKET, 0)])
    pass_time(59)
    layer.send("other", {})
    assert layer.receive(["work"]) == (None, None)
    pass_time(31)
    delivery = take(layer, "work")
    assert delivery.content == {"order": 1}
    assert layer.begin_ordered(delivery, SOCKET, 1, "worker") is Turn.RUN


def begin(layer, order, channel="websocket.receive"):
    delivery = take(layer, channel, {"order": order})
    return layer.begin_ordered(delivery, SOCKET, order, "worker")


def let_be_swept(layer, pass_time):
    """Let a minute pass, in which others use the layer."""
    for _ in range(2):
        pass_time(30)
        layer.send("other", {})


def test_a_socket_whose_next_message_is_lost_is_closed_with_1011(layer, pass_time):
    assert [begin(layer, 0), begin(layer, 2)] == [Turn.RUN, Turn.PARKED]
    layer.apply([FinishOrdered(SOCKET, 0)])
    let_be_swept(layer, pass_time)
    assert layer.receive([SOCKET.partition("!")[0] + "!"]) == (SOCKET, {"close": 1011})
    assert begin(layer, 1) is Turn.STALE
    assert begin(layer, 3, "websocket.disconnect") is Turn.RUN


def test_a_parked_disconnect_whose_predecessor_is_lost_runs(layer, pass_time):
    assert begin(layer, 0) is Turn.RUN
    layer.apply([FinishOrdered(SOCKET, 0)])
    assert begin(layer, 2, "websocket.disconnect") is Turn.PARKED
    let_be_swept(layer, pass_time)
    delivery = take(layer, "websocket.disconnect")
    assert layer.begin_ordered(delivery, SOCKET, 2, "worker") is Turn.RUN
    assert layer.receive([SOCKET.partition("!")[0] + "!"]) == (None, None)


def test_a_socket_waits_while_its_predecessor_runs(layer, pass_time):
    assert [begin(layer, 0), begin(layer, 1)] == [Turn.RUN, Turn.PARKED]
    let_be_swept(layer, pass_time)
    (freed,) = layer.apply([FinishOrdered(SOCKET, 0)])
    assert freed.content == {"order": 1}


def test_a_socket_waits_while_its_next_message_may_be_queued(layer, pass_time):
    assert begin(layer, 0) is Turn.RUN
    layer.apply([FinishOrdered(SOCKET, 0)])
    layer.send("websocket.receive", {"order": 1})
    pass_time(1)
    assert begin(layer, 2, "websocket.disconnect") is Turn.PARKED
    pass_time(30)
    layer.send("other", {})
    delivery = take(layer, "websocket.receive")
    assert layer.begin_ordered(delivery, SOCKET, 1, "worker") is Turn.RUN


def test_time_in_the_park_does_not_make_a_message_expire(layer, pass_time):
    for order in (0, 1):
        layer.begin_ordered(take(layer, "work", {"order": order}), SOCKET, order, "worker")
    pass_time(10 * layer.expiry)
    (freed,) = layer.apply([FinishOrdered(SOCKET, 0)])
    layer.apply([PutBack(freed)])
    assert take(layer, "work").content == {"order": 1}


# -- interface servers ----------------------------------------------------------------------------


def test_a_disconnect_gets_the_room_of_an_expired_one(layer, pass_time):
    async def scenario(link, replies):
        for n in range(5):
            layer.send("websocket.disconnect", {"n": n})
        closing = asyncio.ensure_future(link.close_socket("a", {"n": 5}))
        await let_tasks_run()
        assert not closing.done()
        pass_time(61)
        await asyncio.wait_for(closing, 5)
        assert layer.receive(["websocket.disconnect"]) == ("websocket.disconnect", {"n": 5})

    run_with_link(layer, scenario)


def test_a_socket_whose_connect_can_not_be_sent_is_not_kept(layer):
    async def scenario(link, replies):
        with pytest.raises(InvalidMessage):
            await link.open_socket("a", {"path": object()})
        assert link._server.sockets == set()

    run_with_link(layer, scenario)


def test_a_disconnect_waits_no_longer_than_its_server_lives(layer):
    async def scenario(link, replies):
        for n in range(5):
            layer.send("websocket.disconnect", {"n": n})
        closing = asyncio.ensure_future(link.close_socket("a", {"n": 5}))
        await let_tasks_run()
        await link.stop()
        with pytest.raises(ChannelFull):
            await asyncio.wait_for(closing, 5)

    run_with_link(layer, scenario)


def test_senders_to_a_stopped_server_are_told_that_nobody_reads(layer):
    async def scenario(link, replies):
        await link.stop()
        with pytest.raises(ClientGone, match="server!client"):
            layer.send(SOCKET, {})

    run_with_link(layer, scenario)


def test_a_group_send_misses_held_clients_and_counts_them(layer):
    async def scenario(link, replies):
        for client in ("held", "gone", "there"):
            await link.open_socket(client, {})
            layer.group_add("group", link.reply_channel("websocket.send", client))
        link.hold("held")
        link._server.mark_gone("gone", layer.clock())
        layer.send_group("group", {"n": 1})
        await let_tasks_run()
        assert replies == [(["there"], {"n": 1})]
        assert layer.channel_statistics(SOCKET)["dropped_count"] == 1

    run_with_link(layer, scenario)


def test_vanished_clients_are_forgotten_in_the_end(layer, pass_time):
    async def scenario(link, replies):
        link.mark_gone("client")
        pass_time(601)
        layer.send("other", {})
        assert link._server.gone == {}

    run_with_link(layer, scenario)


def test_work_of_the_loop_goes_on_while_many_replies_come(layer):
    layer = MemoryChannelLayer(channel_capacity={"*": 10_000})

    async def scenario(link, replies):
        turns = []
        for n in range(1_000):
            layer.send(SOCKET, {"n": n})
        while len(replies) < 1_000:
            turns.append(len(replies))
            await asyncio.sleep(0)
        assert len(turns) >= 10

    run_with_link(layer, scenario)


def test_a_reply_that_a_server_fails_at_is_told_and_the_next_one_comes(layer, caplog):
    layer = MemoryChannelLayer()
    came = []

    def take(clients, message):
        if message["n"] == 0:
            raise RuntimeError("broken")
        came.append((clients, message))

    async def scenario():
        link = layer.open_link("server", take, lambda: None)
        await link.start()
        layer.send(SOCKET, {"n": 0})
        layer.send(SOCKET, {"n": 1})
        while not came:
            await asyncio.sleep(0)
        await link.stop()

    asyncio.run(scenario())
    assert came == [(["client"], {"n": 1})]
    assert "a reply on websocket.send.server! was dropped: its interface server" in caplog.text
