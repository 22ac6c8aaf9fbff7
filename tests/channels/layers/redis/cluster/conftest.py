"""The cluster of this run, for tests that break it."""

from collections.abc import Iterator

import pytest

from tests.processes import RedisCluster


@pytest.fixture
def cluster(redis_cluster: RedisCluster) -> Iterator[RedisCluster]:
    """The RedisCluster, whole and well, now and afterwards."""
    redis_cluster.heal()
    yield redis_cluster
    redis_cluster.heal()
