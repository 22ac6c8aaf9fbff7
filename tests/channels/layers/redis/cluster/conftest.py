"""One cluster for all tests of this folder: six nodes take a second to start."""

from collections.abc import Iterator

import pytest

from tests.conftest import give_up
from tests.processes import RedisCluster, find_redis_server


@pytest.fixture(scope="session")
def session_cluster() -> Iterator[RedisCluster]:
    if find_redis_server() is None:
        give_up("no redis-server: install one")
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(session_cluster: RedisCluster) -> RedisCluster:
    """The RedisCluster, whole and well."""
    session_cluster.heal()
    return session_cluster
