"""Which sockets an interface server has, and what it holds of those that have just opened."""

import asyncio

import pytest

from channels.exceptions import LayerUnavailable, PrefixTaken
from channels.layers.redis.presence import heartbeat

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


def test_sockets_that_opened_in_moments_that_redis_has_lost_are_closed(with_link):
    async def lose(link, replies):
        for client in "abc":
            await link.open_socket(client, connect(client))
            link.note_accepted(client)
        await link.close_socket("b", {**connect("b"), "order": 1})
        link._upkeep.close_doubtful([], 5.0)
        assert await replies.get() == (["a", "c"], CLOSED)

    with_link(lose)


def test_sockets_that_opened_before_them_go_on(with_link):
    async def lose(link, replies):
        await link.open_socket("a", connect("a"))
        link.note_accepted("a")
        link._upkeep.close_doubtful([], 0.0)
        link._upkeep.close_doubtful(["websocket.send.server!a"], 0.0)
        assert await replies.get() == (["a"], CLOSED)
        assert replies.empty()

    with_link(lose)


def test_a_handshake_that_was_under_way_then_is_answered_and_its_socket_closed(with_link):
    async def lose(link, replies):
        await link.open_socket("a", connect("a"))
        link._upkeep.close_doubtful([], 5.0)
        await link.open_socket("b", connect("b"))
        link.note_accepted("b")
        link.note_accepted("a")
        assert await replies.get() == (["a"], CLOSED)
        assert replies.empty()

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
