"""Hosts that fall silent: nothing ends, nothing is refused, nothing comes (Redis is stopped)."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.presence import disconnects, heartbeat, replies
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.transport import hosts, sync, sync_connection
from channels.layers.redis.transport.hosts import Health
from tests.processes import wait_until

#: What is allowed to take a moment takes far less than the 40 s that silence once cost.
SOON_S = 12.0


@pytest.fixture(autouse=True)
def _short_times(monkeypatch):
    monkeypatch.setattr(hosts, "COMMAND_TIMEOUT_S", 1.5)
    monkeypatch.setattr(hosts, "SHARED_TIMEOUT_S", 1.5)
    monkeypatch.setattr(hosts, "READ_PATIENCE_S", 4.0)
    monkeypatch.setattr(hosts, "LATE_AFTER_S", 0.5)
    monkeypatch.setattr(sync, "CALL_OFF_S", 1.0)
    monkeypatch.setattr(sync_connection, "LOOK_EVERY_S", 0.1)


@pytest.fixture
def servers(redis_server, second_redis_server):
    return [redis_server, second_redis_server]


@pytest.fixture
def layers(servers):
    """Two layers over two hosts, as of two processes."""
    urls = [server.url for server in servers]
    made = [RedisChannelLayer(hosts=urls, prefix="silent:") for _ in range(2)]
    yield made
    for layer in made:
        layer.close()


class Taker(threading.Thread):
    """Takes one message, as a worker's thread does."""

    def __init__(self, layer, block_s=30.0, channel="work"):
        super().__init__(daemon=True)
        self._reader, self._block_s = layer.open_reader([channel]), block_s
        self.outcome = None
        self.start()

    def run(self):
        try:
            while self.outcome is None:
                _, self.outcome = self._reader.take([], self._block_s)
        except LayerUnavailable as error:
            self.outcome = error

    def interrupt(self):
        self._reader.interrupt()

    def wait(self):
        self.join(SOON_S)
        assert not self.is_alive()
        return self.outcome


def wait_until_blocked(*servers):
    for server in servers:
        with server.client() as client:
            wait_until(lambda c=client: c.info("clients")["blocked_clients"], what="a pop")


def host_of_work(layer):
    return layer.keyspace.queue("work").host


def test_a_message_is_handed_over_while_another_host_falls_silent(layers, servers):
    taker = Taker(layers[0])
    wait_until_blocked(*servers)
    servers[1 - host_of_work(layers[0])].pause()
    layers[1].send("work", {"n": 1})
    assert taker.wait().content == {"n": 1}


def test_an_async_receive_brings_it_too(layers, servers):
    async def scenario():
        receiving = asyncio.ensure_future(layers[0].areceive(["work"], block=True))
        await asyncio.to_thread(wait_until_blocked, *servers)
        servers[1 - host_of_work(layers[0])].pause()
        await asyncio.to_thread(layers[1].send, "work", {"n": 1})
        assert await asyncio.wait_for(receiving, SOON_S) == ("work", {"n": 1})
        await layers[0].aclose()

    asyncio.run(scenario())


def test_messages_go_on_through_the_other_host(layers, servers):
    """Each is taken at once: that one host is silent is found out once, and by nobody's message."""
    silent = host_of_work(layers[0])
    servers[silent].pause()
    with contextlib.suppress(LayerUnavailable):
        layers[0].send("work", {"n": 0})
    reader = layers[0].open_reader(["work"])
    begun = time.monotonic()
    for n in range(20):
        layers[0].send("work", {"n": n})
        assert reader.take([], 1.0)[1].content == {"n": n}
    assert time.monotonic() - begun < SOON_S  # or it would be 20 times SHARED_TIMEOUT_S


def test_a_host_that_speaks_again_is_used_again(layers, servers):
    silent = host_of_work(layers[0])
    servers[silent].pause()
    with contextlib.suppress(LayerUnavailable):
        layers[0].send("work", {})
    assert layers[0]._hosts[silent].health.is_down
    taker = Taker(layers[0])
    wait_until_blocked(servers[1 - silent])
    servers[silent].resume()
    wait_until_blocked(servers[silent])
    layers[1].send("work", {"n": 1})
    assert taker.wait().content == {"n": 1}


def test_the_queues_of_hosts_that_are_away_are_looked_at_last(layers):
    cursor = Cursor(layers[0].keyspace, ["work"], is_down=lambda host: host == 0)
    assert {cursor.hosts_in_order(now_s) for now_s in (1.0, 2.0, 3.0, 4.0)} == {(1, 0)}


def test_a_reader_gives_up_when_its_patience_is_over(layer, redis_server):
    reader = layer.open_reader(["work"])
    reader.take([], 0.0)
    redis_server.pause()
    begun = time.monotonic()
    with pytest.raises(LayerUnavailable):
        reader.take([], 0.0)
    assert hosts.READ_PATIENCE_S - 0.5 < time.monotonic() - begun < SOON_S


def test_a_reader_that_is_to_stop_gives_up_as_soon_as_others(layer, redis_server):
    taker = Taker(layer)
    wait_until_blocked(redis_server)
    redis_server.pause()
    begun = time.monotonic()
    taker.interrupt()
    assert isinstance(taker.wait(), LayerUnavailable)
    assert time.monotonic() - begun < hosts.READ_PATIENCE_S


def test_what_redis_hands_out_after_long_silence_is_taken(layer, redis_server):
    """Longer than others wait for a command: they find that it is away, and back."""
    taker = Taker(layer)
    wait_until_blocked(redis_server)
    redis_server.pause()
    with pytest.raises(LayerUnavailable):
        layer.send("other", {})
    time.sleep(0.5)  # the silence itself is what is tested
    redis_server.resume()
    wait_until(lambda: try_to_send(layer), what="Redis to be back")
    assert taker.wait().content == {"n": 1}


def try_to_send(layer):
    try:
        layer.send("work", {"n": 1})
    except LayerUnavailable:
        return False
    return True


def test_a_connection_that_is_forgotten_is_not_waited_for_when_the_host_is_back():
    now = [100.0]
    health = Health("it", clock=lambda: now[0])
    health.failed(TimeoutError("no answer"), 2.0)
    now[0] = 110.0
    assert not health.is_late(99.0)  # it is still away
    health.works()
    now[0] = 110.0 + 12.0
    assert not health.is_late(99.0)  # it was away for 12 s, and may be late for as long
    now[0] += 0.1
    assert health.is_late(99.0)
    assert not health.is_late(111.0)


def test_a_pop_that_is_not_answered_in_time_is_given_up(layer, redis_server):
    taker = Taker(layer, block_s=1.0)
    wait_until_blocked(redis_server)
    redis_server.pause()
    assert isinstance(taker.wait(), LayerUnavailable)


def test_a_pop_that_takes_longer_than_a_command_may_is_waited_for(layer, redis_server):
    taker = Taker(layer)
    wait_until_blocked(redis_server)
    time.sleep(1.5 * hosts.COMMAND_TIMEOUT_S)
    layer.send("work", {"n": 1})
    assert taker.wait().content == {"n": 1}


def test_one_thread_at_a_time_tries_a_host_that_is_away():
    now = [100.0]
    health = Health("it", clock=lambda: now[0])
    health.claim_try()
    health.failed(TimeoutError("no answer"))
    now[0] += hosts.LAST_BACKOFF_S
    health.claim_try()
    with pytest.raises(LayerUnavailable):
        health.claim_try()
    health.failed(TimeoutError("no answer"))
    now[0] += hosts.LAST_BACKOFF_S
    health.claim_try()
    now[0] += hosts.TRY_S  # that thread is no more
    health.claim_try()
    health.works()
    health.claim_try()
    health.claim_try()


def test_a_silent_host_is_away_since_it_was_last_heard_of():
    now = [100.0]
    health = Health("it", clock=lambda: now[0])
    health.lost(TimeoutError("no answer"), 5.0)
    assert health.down_for_s == 5.0


# -- interface servers ----------------------------------------------------------------------------


def server_on(layer, host):
    """The id of an interface server whose replies come from a host."""
    return next(f"s{n}" for n in range(99) if layer.keyspace.host_of(f"s{n}") == host)


@contextlib.asynccontextmanager
async def moved_link(layers, server, monkeypatch):
    """A link whose own host, the first, has fallen silent, and which has moved to the other one."""
    monkeypatch.setattr(replies, "READ_FOR_S", (0.2, 0.2))
    monkeypatch.setattr(heartbeat, "SILENT_MOVE_AFTER_S", 0.1)
    moved = asyncio.Event()
    here = layers[0].open_link(server_on(layers[0], 0), lambda *reply: None, moved.set)
    await here.start()
    message = {"reply_channel": here.reply_channel("websocket.send", "a"), "path": "/", "order": 0}
    await here.open_socket("a", message)
    await asyncio.sleep(0.1)
    server.pause()
    await asyncio.wait_for(moved.wait(), SOON_S)
    try:
        yield here, message
    finally:
        if server.is_paused:
            server.resume()
        await here.stop()


def test_a_server_moves_off_a_silent_host(layers, servers, monkeypatch):
    async def scenario():
        async with moved_link(layers, servers[0], monkeypatch) as (here, _):
            assert layers[0].keyspace.host_of(here.server_id) == 1

    asyncio.run(scenario())


def test_disconnects_of_sockets_that_a_silent_host_knew_go_out(layers, servers, monkeypatch):
    monkeypatch.setattr(disconnects, "ORDER_PATIENCE_S", 0.2)
    channel = "websocket.disconnect"

    async def scenario():
        async with moved_link(layers, servers[0], monkeypatch) as (here, message):
            closing = asyncio.ensure_future(here.close_socket("a", {**message, "order": 1}))
            taken = await asyncio.to_thread(Taker(layers[1], channel=channel).wait)
            assert taken.content["reply_channel"] == message["reply_channel"]
            servers[0].resume()
            await asyncio.wait_for(closing, 2 * SOON_S)  # its record and its turns are settled then
        return message["reply_channel"]

    name = asyncio.run(scenario())
    place = layers[1].sockets.place_of(name)
    with servers[0].client() as client:
        assert not client.hexists(place.sockets, "a")
        assert client.hget(place.order_keys[0], "broken") == b"yes"


def test_they_wait_a_while_for_the_host_that_knows_their_order(layers, servers, monkeypatch):
    async def scenario():
        async with moved_link(layers, servers[0], monkeypatch) as (here, message):
            closing = asyncio.ensure_future(here.close_socket("a", {**message, "order": 1}))
            await asyncio.sleep(2 * hosts.SHARED_TIMEOUT_S)
            other = RedisChannelLayer(hosts=[servers[1].url], prefix="silent:")
            assert other.receive(["websocket.disconnect"]) == (None, None)
            other.close()
            servers[0].resume()
            await asyncio.wait_for(closing, 2 * SOON_S)

    asyncio.run(scenario())
    assert layers[1].receive(["websocket.disconnect"])[1]["order"] == 1


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has the option")
@pytest.mark.parametrize(("has_others", "dead_after_ms"), [(False, 35_000), (True, 5_000)])
def test_the_kernel_has_as_much_patience_as_who_reads(has_others, dead_after_ms, redis_server):
    host = hosts.Host(redis_server.url.replace("unix", "redis"), {}, has_others=has_others)
    options = host._options["socket_keepalive_options"]
    assert options[socket.TCP_USER_TIMEOUT] == dead_after_ms


@pytest.mark.parametrize("size", [1, 50_000_000])
def test_a_host_that_takes_too_long_is_known_to_be_silent(redis_server, size):
    """Whether it is the answer that does not come, or the command that does not go out."""
    layer = RedisChannelLayer(hosts=[redis_server.url], prefix="silent:")
    pool = layer._sync.pool(0)
    connection = pool.connect()
    redis_server.pause()
    try:
        with pytest.raises(LayerUnavailable, match="timed out"):
            connection.exchange([("ECHO", b"x" * size)])
    finally:
        redis_server.resume()
        layer.close()
