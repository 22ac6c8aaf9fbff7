"""Replies that a server has taken, and that a Redis which has lost its last moments gives again."""

import asyncio

from channels.layers.redis.presence.replies import KNOWN_REPLIES, Repeats

CHANNEL = "websocket.send.taker!a"


def make_repeats(*taken):
    """Those of a server whose connection is a new one."""
    repeats = Repeats()
    repeats.sift(list(taken))
    repeats.expect()
    return repeats


def test_what_was_taken_does_not_come_again(caplog):
    repeats = make_repeats(b"1", b"2")
    assert repeats.sift([b"2", b"3"]) == [b"3"]
    assert "1 replies were dropped" in caplog.text


def test_as_long_as_the_connection_holds_all_is_new():
    repeats = Repeats()
    assert [repeats.sift([b"1"]), repeats.sift([b"1"])] == [[b"1"], [b"1"]]


def test_repeats_come_first_and_are_looked_for_no_longer():
    repeats = make_repeats(b"1")
    assert repeats.sift([b"1"]) == []
    assert repeats.sift([b"2"]) == [b"2"]
    assert repeats.sift([b"1"]) == [b"1"]


def test_it_remembers_so_many_and_no_more():
    old = [str(number).encode() for number in range(KNOWN_REPLIES + 1)]
    repeats = make_repeats(*old)
    assert repeats.sift(old) == old[:1]


def test_a_reply_that_redis_gives_again_reaches_its_client_once(layer, redis_server, caplog):
    queue = layer.keyspace.queue("websocket.send.taker!").queue
    layer.send(CHANNEL, {"text": "first"})
    with redis_server.client() as client:
        (first,) = client.lrange(queue, 0, -1)

    async def scenario():
        heard = asyncio.Queue()
        link = layer.open_link(
            "taker", lambda clients, message: heard.put_nowait(message["text"]), lambda: None
        )
        await link.start()
        assert await heard.get() == "first"
        while not layer.is_read(CHANNEL):
            await asyncio.sleep(0.01)
        layer.close()  # its connections do not outlive what comes
        with redis_server.client() as client, client.pipeline() as together:
            together.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            together.rpush(queue, first)
            together.execute()
        await layer.asend(CHANNEL, {"text": "second"})
        assert await heard.get() == "second"
        await link.stop()
        await layer.aclose()

    asyncio.run(asyncio.wait_for(scenario(), 30))
    assert "1 replies were dropped" in caplog.text
