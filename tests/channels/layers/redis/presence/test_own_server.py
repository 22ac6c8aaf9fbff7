"""Which sockets an interface server has, and what it holds of those that have just opened."""

import asyncio

import pytest

from channels.exceptions import LayerUnavailable, PrefixTaken
from channels.layers.operations import Delivery, FinishOrdered, Turn
from channels.layers.redis.presence import heartbeat, upkeep
from channels.layers.redis.presence.presence import COUNT_EVERY_S, COUNT_OFTEN_S

SERVER = "server"
CLOSED = {"close": 1012}


def connect(client, server=SERVER):
    return {"reply_channel": f"websocket.send.{server}!{client}"}


@pytest.fixture
def with_link(layer, monkeypatch):
    """Run a coroutine with a link, and a queue of what it hands out."""
    monkeypatch.setattr(heartbeat, "BEAT_EVERY_S", 60.0)

    def run(scenario):
        async def run():
            replies = asyncio.Queue()
            link = layer.open_link(SERVER, lambda *reply: replies.put_nowait(reply), lambda: None)
            await link.start()
            await scenario(link, replies)
            await link.stop()
            await layer.aclose()

        asyncio.run(asyncio.wait_for(run(), 30))

    return run


def note_frame(link, client):
    """A frame of a socket has just been taken."""
    link._sent.add([(client, 1, b"")], asyncio.get_running_loop().time())


def test_sockets_that_opened_in_moments_that_redis_has_lost_are_closed(with_link):
    async def lose(link, replies):
        for client in "abc":
            await link.open_socket(client, connect(client))
            link.note_accepted(client)
        await link.close_socket("b", {**connect("b"), "order": 1})
        link._upkeep.close_doubtful(5.0)
        assert await replies.get() == (["a", "c"], CLOSED)

    with_link(lose)


def test_sockets_that_opened_before_them_go_on(with_link):
    async def lose(link, replies):
        await link.open_socket("a", connect("a"))
        link.note_accepted("a")
        link._upkeep.close_doubtful(upkeep.OLDER_S)
        note_frame(link, "a")
        link._upkeep.close_doubtful(upkeep.OLDER_S)
        assert await replies.get() == (["a"], CLOSED)
        assert replies.empty()

    with_link(lose)


def test_a_handshake_that_was_under_way_then_is_answered_and_its_socket_closed(with_link):
    async def lose(link, replies):
        await link.open_socket("a", connect("a"))
        link._upkeep.close_doubtful(5.0)
        await link.open_socket("b", connect("b"))
        link.note_accepted("b")
        link.note_accepted("a")
        assert await replies.get() == (["a"], CLOSED)
        assert replies.empty()

    with_link(lose)


def have_another_notice_a_loss(layer, link, span_s=5.0, host=0):
    """The link's connections broke, and another server finds what was lost by that."""
    layer._sync.run(layer.rollbacks.mark(span_s, host))
    link._server.host.health.lost(OSError("the connection broke"))


async def open_before(link, *clients):
    """Open sockets, and let it be long ago."""
    for client in clients:
        await link.open_socket(client, connect(client))
        link.note_accepted(client)
    link._server._openings.clear()


def speak(link, client, order=1):
    return link.send_frame({**connect(client), "path": "/", "order": order, "text": "x"})


def test_sockets_that_spoke_then_are_closed_though_another_server_has_noticed(with_link, layer):
    """What this one sent before is taken in these moments, and comes again."""

    async def lose(link, replies):
        await open_before(link, "a", "b")
        await speak(link, "a")
        await link.open_socket("c", connect("c"))
        link._server._connecting["c"] += 60.0  # it comes after that
        have_another_notice_a_loss(layer, link)
        assert await replies.get() == (["a"], CLOSED)
        link.note_accepted("c")
        await link._upkeep.look_after_sockets()
        assert replies.empty()

    with_link(lose)


def test_a_server_dates_the_moment_more_often_while_its_sockets_speak(with_link):
    async def look(link, replies):
        await open_before(link, "a")
        assert link._heartbeat._pause_s() == COUNT_EVERY_S
        await speak(link, "a")
        assert link._heartbeat._pause_s() == COUNT_OFTEN_S

    with_link(look)


@pytest.mark.parametrize("loss", [{"span_s": -5.0}, {"host": 1}])
def test_sockets_that_spoke_at_another_time_or_with_another_host_go_on(with_link, layer, loss):
    async def lose(link, replies):
        await open_before(link, "a")
        await speak(link, "a")
        have_another_notice_a_loss(layer, link, **loss)
        await link._upkeep.look_after_sockets()
        assert replies.empty()

    with_link(lose)


@pytest.mark.parametrize("has_noticed", [True, False])
def test_sockets_in_which_a_message_runs_or_waits_are_closed(with_link, layer, has_noticed):
    """It may have run to its end in these moments, whenever it was sent."""

    async def lose(link, replies):
        await open_before(link, "a", "b", "c")
        for order, client in enumerate("ab"):
            socket, turn = connect(client)["reply_channel"], (Turn.RUN, Turn.PARKED)[order]
            delivery = Delivery("websocket.receive", {})
            assert layer.begin_ordered(delivery, socket, 2 * order, "w") is turn
        if has_noticed:
            link._upkeep.close_doubtful(0.0)
        else:
            have_another_notice_a_loss(layer, link, span_s=0.0)
        clients, message = await replies.get()
        assert (sorted(clients), message) == (["a", "b"], CLOSED)

    with_link(lose)


def test_sockets_whose_frames_waited_for_long_are_closed(with_link, layer):
    """As long as the oldest message has been queued: others were taken in these moments."""

    async def lose(link, replies):
        await open_before(link, "a", "b")
        await speak(link, "a")
        link._upkeep.close_doubtful(0.0)
        assert await replies.get() == (["a"], CLOSED)

    with_link(lose)


@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_server_has_noticed_itself_is_no_news_to_it(with_link, layer, caplog, is_first):
    async def lose(link, replies):
        await open_before(link, "a", "b")
        await speak(link, "a")
        if not is_first:
            layer._sync.run(layer.rollbacks.mark(5.0))
        link._upkeep.close_doubtful(5.0)
        assert await replies.get() == (["a"], CLOSED)
        link._server.host.health.lost(OSError("the connection broke"))
        await link._upkeep.look_after_sockets()
        assert replies.empty()
        assert caplog.text.count("Redis has lost its last moments") == 1

    with_link(lose)


@pytest.mark.parametrize("has_noticed", [True, False])
def test_the_disconnect_of_one_that_spoke_and_left_waits_for_no_frame(
    with_link, layer, has_noticed
):
    """Its frame was taken before the moments that are lost, and ran in them: it would run twice."""

    async def lose(link, replies):
        await open_before(link, "a")
        socket, goodbye = connect("a")["reply_channel"], {**connect("a"), "order": 2}
        await speak(link, "a")
        await link.close_socket("a", goodbye)
        channel, content = await layer.areceive(["websocket.disconnect"])
        early = Delivery(channel, content)
        assert layer.begin_ordered(Delivery("websocket.connect", {}), socket, 0, "w") is Turn.RUN
        layer.apply([FinishOrdered(socket, 0)])
        assert layer.begin_ordered(early, socket, 2, "w") is Turn.PARKED
        if has_noticed:
            link._upkeep.close_doubtful(5.0)
        else:
            have_another_notice_a_loss(layer, link)
        while (await layer.areceive([channel])) != (channel, goodbye):
            await asyncio.sleep(0.01)
        frame = Delivery("websocket.receive", {})
        assert layer.begin_ordered(frame, socket, 1, "w") is Turn.STALE

    with_link(lose)


def test_a_frame_whose_turn_is_known_runs_before_the_disconnect_of_a_broken_socket(
    with_link, layer, monkeypatch
):
    monkeypatch.setattr(upkeep, "TURNS_END_AFTER_S", 60.0)
    socket, channels = connect("a")["reply_channel"], ["websocket.receive", "websocket.disconnect"]

    async def lose(link, replies):
        await link.open_socket("a", connect("a"))
        await layer.areceive(["websocket.connect"])
        reader = layer.open_reader(channels)
        assert reader.begin_ordered(Delivery("websocket.connect", {}), socket, 0, "w") is Turn.RUN
        reader.take([FinishOrdered(socket, 0)])
        note_frame(link, "a")
        link._upkeep.close_doubtful(5.0)
        await replies.get()
        await speak(link, "a")
        closing = asyncio.ensure_future(link.close_socket("a", {**connect("a"), "order": 2}))
        await asyncio.wait({closing}, timeout=0.2)
        _, frame = reader.take()
        assert reader.begin_ordered(frame, socket, 1, "w") is Turn.RUN
        _, early = reader.take([FinishOrdered(socket, 1)])
        assert early is None
        link._disconnects._is_last_try.set()  # the time is over
        await closing
        _, goodbye = reader.take()
        assert goodbye.channel == "websocket.disconnect"
        assert reader.begin_ordered(goodbye, socket, 2, "w") is Turn.RUN
        reader.close()

    with_link(lose)


def test_a_server_that_stops_waits_for_no_known_turn(with_link, layer, monkeypatch):
    monkeypatch.setattr(upkeep, "TURNS_END_AFTER_S", 60.0)

    async def lose(link, replies):
        await open_before(link, "a")
        note_frame(link, "a")
        link._upkeep.close_doubtful(5.0)
        await replies.get()
        closing = asyncio.ensure_future(link.close_socket("a", {**connect("a"), "order": 1}))
        await asyncio.sleep(0)
        await link.stop()
        await closing
        assert (await layer.areceive(["websocket.disconnect"]))[1]["order"] == 1

    with_link(lose)


def test_a_socket_that_came_when_the_server_had_another_id_is_not_opened(with_link, layer):
    async def forget(link, replies):
        with pytest.raises(LayerUnavailable, match="has forgotten this server") as refused:
            await link.open_socket("a", connect("a", "the-server-before"))
        assert not refused.value.was_sent
        assert await layer.areceive(["websocket.connect"]) == (None, None)

    with_link(forget)


def test_handshakes_while_redis_is_away_drive_out_no_socket_that_had_closed_before(
    with_link, monkeypatch
):
    async def lose(link, replies):
        monkeypatch.setattr(link._disconnects._forgotten, "_kept_s", 0.0)
        await link.open_socket("a", connect("a"))
        await link.close_socket("a", {**connect("a"), "order": 1})
        link._server.refusal = PrefixTaken("p:", "another", "is away")
        with pytest.raises(LayerUnavailable):
            await link.open_socket("b", connect("b"))
        link._server.refusal = None
        assert list(link._disconnects._forgotten) == [(SERVER, "a")]

    with_link(lose)


def test_a_worker_is_told_when_its_way_to_redis_is_back(layer, redis_server):
    async def break_connections():
        is_back, taken = asyncio.Event(), asyncio.Queue()
        link = layer.open_worker_link("one", lambda *message: taken.put_nowait(message))
        link.call_when_back(is_back.set)
        await link.start()
        await layer.asend("worker.one!host", {"n": 1})
        assert (await taken.get())[0]["n"] == 1
        assert not is_back.is_set()
        with redis_server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
        await is_back.wait()
        await link.stop()
        await layer.aclose()

    asyncio.run(asyncio.wait_for(break_connections(), 30))
