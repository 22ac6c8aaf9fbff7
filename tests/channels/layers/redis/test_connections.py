"""The connections that threads share."""

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.redis import sync
from channels.layers.redis.hosts import Host
from channels.layers.redis.sync import Pool


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
