"""The connections that threads share."""

import asyncio

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.redis.presence import scripts
from channels.layers.redis.transport import sync
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.sync import Pool
from channels.layers.redis.transport.sync_connection import Connection


@pytest.fixture
def pool(redis_server):
    pool = Pool(Host(redis_server.url, {}))
    yield pool
    pool.close()


def use_at_once(pool, count):
    """Have so many threads use it at the same time."""
    for connection in [pool.take() for _ in range(count)]:
        pool.put_back(connection)


def test_after_one_connection_broke_no_other_broken_one_is_used(pool, redis_server, monkeypatch):
    """However short the outage was: each of them would cost somebody a message."""
    monkeypatch.setattr(sync, "STALE_AFTER_S", 1_000.0)
    use_at_once(pool, 3)
    redis_server.restart()
    with pytest.raises(LayerUnavailable):
        pool.exchange([("PING",)])
    assert pool.exchange([("PING",)]) == [b"PONG"]


@pytest.fixture
def demote(redis_server):
    """Make the Redis a replica, as a failover does that keeps its address."""
    with redis_server.client() as client:
        yield lambda: client.replicaof("127.0.0.1", 1)
        client.replicaof("NO", "ONE")


WRITES = [("SET", "asgi:a", 1), scripts.BEAT.call(["asgi:b", "asgi:c", "asgi:d"], [9, 9, 1, 0])]


@pytest.mark.parametrize("write", WRITES, ids=["command", "script"])
def test_a_connection_to_a_redis_that_became_a_replica_is_given_up(pool, demote, write):
    """Behind its address there may be another Redis by now."""
    pool.exchange([write])
    demote()
    with pytest.raises(LayerUnavailable, match="READONLY"):
        pool.exchange([write])
    with pytest.raises(LayerUnavailable, match="it is a replica"):
        pool.exchange([write])


@pytest.mark.parametrize("write", WRITES, ids=["command", "script"])
def test_so_is_one_of_an_event_loop(redis_server, demote, write):
    async def find_out():
        host = Host(redis_server.url, {})
        connection = await AsyncConnection(host).open()
        await connection.exchange([write])
        demote()
        with pytest.raises(LayerUnavailable, match="READONLY"):
            await connection.exchange([write])
        assert not connection.is_open
        with pytest.raises(LayerUnavailable, match="it is a replica"):
            await AsyncConnection(host).open()

    asyncio.run(find_out())


@pytest.mark.parametrize(("rights", "are_sent"), [("+@all", False), ("-client|reply", True)])
def test_a_reply_that_nobody_needs_is_in_nobodys_way(redis_server, rights, are_sent):
    """Redis sends none, even if it refuses the command; where its ACL user may not tell it so, as
    that of an older version, the reply is passed over."""
    with redis_server.client() as client:
        user = ("site", "reset", "on", "nopass", "~*", "+@all", rights)
        client.execute_command("ACL", "SETUSER", *user)
        host = Host(redis_server.url, {"username": "site", "password": "any"})
        connection = Connection(host)
        try:
            before = client.info("stats")["total_net_output_bytes"]
            for number in range(50):
                connection.write_only(("HSET", "asgi:h", "n", number))
                connection.write_only(("LPUSH", "asgi:h", "a hash is no list"))
            assert connection.exchange([("HGET", "asgi:h", "n"), ("ECHO", "x")]) == [b"49", b"x"]
            assert connection.exchange([("ECHO", "y")]) == [b"y"]
            sent = client.info("stats")["total_net_output_bytes"] - before
            refusal = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
            assert (sent > 50 * len(refusal)) is are_sent
        finally:
            connection.close()
            client.execute_command("ACL", "DELUSER", "site")


def test_nobody_waits_for_ever_because_of_a_mistake(redis_server, monkeypatch):
    """What no driver expects is raised where it happened, and those who wait are let go."""

    def fail(self, commands):
        raise TypeError("no such command")

    async def ask():
        driver = AsyncDriver([Host(redis_server.url, {})])
        waiting = driver._connections[0].submit([("PING",)])
        pump = driver._connections[0]._pump
        monkeypatch.setattr(AsyncConnection, "exchange", fail)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(TypeError, match="no such command"):
            await pump
        await driver.close()

    asyncio.run(asyncio.wait_for(ask(), 10))
