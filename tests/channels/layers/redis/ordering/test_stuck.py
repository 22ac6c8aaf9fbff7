"""Frames that vanish with a worker before their turn began are sent again, and run once."""

import asyncio
import struct

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.operations import FinishOrdered, Turn
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.ordering import guardian as guardian_module
from channels.layers.redis.ordering import stuck
from channels.layers.redis.presence import upkeep
from channels.layers.redis.transport import lane
from channels.layers.redis.transport.lane import SentFrames

SERVER, CLIENT = "server", "client"
SOCKET = f"websocket.send.{SERVER}!{CLIENT}"
RECEIVE = "websocket.receive"
#: So many looks show that nothing is sent again.
LOOKS = 8
LOOK_S = 0.05


@pytest.fixture(autouse=True)
def _short_times(monkeypatch):
    monkeypatch.setattr(upkeep, "LOOK_EVERY_S", (LOOK_S, LOOK_S))
    monkeypatch.setattr(upkeep, "COMING_BACK_S", 0.0)
    monkeypatch.setattr(guardian_module, "WAITS_MS", 10)
    monkeypatch.setattr(stuck, "STUCK_FOR_S", 2 * LOOK_S)
    monkeypatch.setattr(lane, "QUIET_AFTER_S", LOOK_S)


@pytest.fixture
def reader(layer):
    reader = layer.open_reader([RECEIVE, "websocket.connect"])
    yield reader
    reader.close()


def begin(layer, delivery):
    order = delivery.content["order"]
    return layer.begin_ordered(delivery, SOCKET, order, "worker")


def finish(layer, order):
    (freed,) = layer.apply([FinishOrdered(SOCKET, order)])
    return freed


def run_whole(layer, delivery):
    assert begin(layer, delivery) is Turn.RUN
    return finish(layer, delivery.content["order"])


class Conversation:
    """One socket of a link, whose frames are taken by hand."""

    def __init__(self, layer, link, reader):
        self.layer, self._link, self._reader = layer, link, reader
        self._order = 0

    async def open(self, *, is_ordered=True):
        await self._link.open_socket(CLIENT, {"reply_channel": SOCKET, "order": 0})
        connect = self._take()
        if is_ordered:
            run_whole(self.layer, connect)
        return self

    async def say(self):
        self._order += 1
        message = {"reply_channel": SOCKET, "path": "/", "order": self._order, "text": "x"}
        await self._link.send_frame(message)

    def _take(self):
        return self._reader.take([], 0.0)[1]

    async def take(self):
        """The next message that comes."""
        for _ in range(200):
            delivery = self._take()
            if delivery is not None:
                return delivery
            await asyncio.sleep(0.01)
        raise AssertionError("no message came")

    async def hear_nothing(self):
        await asyncio.sleep(LOOKS * LOOK_S)
        assert self._take() is None


def converse(layer, reader, scenario, **how):
    async def run():
        link = layer.open_link(SERVER, lambda *reply: None, lambda: None)
        await link.start()
        try:
            await scenario(await Conversation(layer, link, reader).open(**how))
        finally:
            await link.stop()
            await layer.aclose()

    asyncio.run(run())


def test_a_frame_that_vanished_comes_again_and_runs_once(layer, reader, caplog):
    async def scenario(socket):
        await socket.say()
        vanished = await socket.take()
        await socket.say()
        assert begin(layer, await socket.take()) is Turn.PARKED
        copy = await socket.take()
        assert copy.content == vanished.content
        assert run_whole(layer, copy).content["order"] == 2
        assert begin(layer, vanished) is Turn.STALE

    converse(layer, reader, scenario)
    assert layer.channel_statistics(RECEIVE)["dropped_count"] == 1  # the copy that came too late
    assert "1 frame(s) had vanished with a worker" in caplog.text


def test_it_does_so_though_the_client_waits_for_its_answer(layer, reader):
    async def scenario(socket):
        await socket.say()
        run_whole(layer, await socket.take())
        await socket.say()
        await socket.take()  # by one who vanishes
        copy = await socket.take()
        run_whole(layer, copy)
        await socket.hear_nothing()

    converse(layer, reader, scenario)


def test_a_copy_that_vanishes_as_well_comes_again(layer, reader):
    async def scenario(socket):
        await socket.say()
        run_whole(layer, await socket.take())
        await socket.say()
        for _ in range(3):
            assert (await socket.take()).content["order"] == 2

    converse(layer, reader, scenario)


def test_a_turn_of_a_copy_is_asked_for(layer, reader):
    async def scenario(socket):
        await socket.say()
        run_whole(layer, await socket.take())
        await socket.say()
        await socket.take()
        assert (await socket.take()).attempts == stuck.COPY_ATTEMPTS

    converse(layer, reader, scenario)


def test_what_still_runs_or_is_queued_does_not_come_again(layer, reader):
    async def scenario(socket):
        await socket.say()
        first = await socket.take()
        assert begin(layer, first) is Turn.RUN
        await socket.hear_nothing()
        finish(layer, 1)
        await socket.say()
        await asyncio.sleep(LOOKS * LOOK_S)
        assert (await socket.take()).content["order"] == 2

    async def nothing_else(socket):
        await scenario(socket)
        assert layer.channel_statistics(RECEIVE)["messages_pending"] == 0

    converse(layer, reader, nothing_else)


def test_frames_of_unordered_sockets_do_not_come_again(layer, reader):
    """Nobody could tell whether they have run."""

    async def scenario(socket):
        for _ in range(2):
            await socket.say()
            await socket.take()
        await socket.hear_nothing()

    converse(layer, reader, scenario, is_ordered=False)


def test_a_first_frame_comes_again_only_if_others_show_that_it_is_ordered(layer, reader):
    async def scenario(socket):
        await socket.say()
        await socket.take()
        await socket.hear_nothing()

    converse(layer, reader, scenario)


# -- what is kept ---------------------------------------------------------------------------------


def frames(client, *orders, payload=b"x"):
    return [(client, order, payload) for order in orders]


def test_a_client_is_quiet_once_after_its_latest_frame():
    sent = SentFrames(life_s=60.0)
    sent.add(frames("a", 1, 2) + frames("b", 7), now_s=0.0)
    sent.add(frames("b", 8), now_s=1.0)
    assert sent.take_quiet(1.0) == {"a": 2}
    assert sent.take_quiet(2.0) == {"b": 8}
    assert sent.take_quiet(9.0) == {}


def test_frames_are_found_as_long_as_they_live():
    sent = SentFrames(life_s=60.0)
    sent.add(frames("a", 1), now_s=0.0)
    sent.take_quiet(10.0)
    sent.add(frames("a", 2), now_s=30.0)
    wanted = {("a", 1), ("a", 2), ("a", 3), ("b", 1)}
    assert sent.find(wanted) == {("a", 1): (b"x", 0.0), ("a", 2): (b"x", 30.0)}
    sent.add(frames("a", 3), now_s=61.0)
    sent.take_quiet(61.0)
    assert list(sent.find(wanted)) == [("a", 2), ("a", 3)]


def test_who_sent_frames_in_a_time_is_known_once_each():
    sent = SentFrames(life_s=60.0)
    for at_s, client in enumerate("abcbd"):
        sent.add(frames(client, at_s), now_s=float(at_s))
    sent.take_quiet(3.0)
    assert sent.senders(1.0, 3.5) == ["b", "c"]
    assert sent.senders(4.5, 9.0) == []


def test_the_oldest_frames_go_first_when_there_is_no_room(monkeypatch):
    monkeypatch.setattr(lane, "SENT_BYTES", 2 * (lane.FRAME_BYTES + 100))
    sent = SentFrames(life_s=60.0)
    for order in (1, 2, 3):
        sent.add(frames("a", order, payload=b"x" * 100), now_s=float(order))
    assert list(sent.find({("a", 1), ("a", 2), ("a", 3)})) == [("a", 2), ("a", 3)]


def test_a_host_that_is_away_does_not_stop_what_is_sent_again(redis_server):
    """What is queued there is nowhere for now; each number runs once, should it come back."""
    layer = RedisChannelLayer(hosts=[redis_server.url] * 2)
    finder = stuck.Stuck(layer.rules, SentFrames(60.0))
    look = stuck.Look(frozenset(), frozenset(), now_ms=1e12)
    away = LayerUnavailable("it is away", was_sent=False)

    def find_age(*replies):
        plan = finder._find_head_age_s(look)
        next(plan)
        try:
            plan.send(list(replies))
        except StopIteration as stop:
            return stop.value
        raise AssertionError("it asks for more")

    ten_s_old = struct.pack(">BBd", 1, 0, 1e12 + layer.rules.get_expiry(RECEIVE) * 1000 - 10_000)
    assert find_age(away, ten_s_old) == 10.0
    assert find_age(None, away) is None
    with pytest.raises(LayerUnavailable):
        find_age(away, away)
    layer.close()
