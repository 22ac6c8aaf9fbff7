"""Connections that Redis, or something on the way to it, has closed meanwhile."""

import asyncio

import pytest

from channels.layers.redis import RedisChannelLayer


@pytest.fixture
def layer(redis_server):
    layer = RedisChannelLayer(hosts=[redis_server.url])
    yield layer
    layer.close()


def kill_connections(redis_server):
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)


def test_a_shared_connection_that_was_closed_while_idle_is_made_anew(layer, redis_server):
    async def scenario():
        await layer.asend("jobs", {"n": 1})
        await asyncio.to_thread(kill_connections, redis_server)
        await asyncio.sleep(0.05)  # until the event loop has been told
        await layer.asend("jobs", {"n": 2})
        await layer.aclose()

    asyncio.run(scenario())
    assert [layer.receive(["jobs"])[1] for _ in range(2)] == [{"n": 1}, {"n": 2}]
