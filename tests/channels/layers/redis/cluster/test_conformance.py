"""The Redis layer keeps every promise over a cluster."""

import itertools
import unittest
from typing import Any

import pytest

from channels.layers.redis import RedisClusterChannelLayer
from channels.test.conformance import ConformanceSuite
from tests.processes import RedisCluster

_prefixes = (f"cluster{number}:" for number in itertools.count())


class ClusterConformance(ConformanceSuite, unittest.TestCase):
    """Three masters, three partitions."""

    short_expiry_s = 0.4
    margin_s = 0.2
    receive_tries = 3

    @pytest.fixture(autouse=True)
    def _cluster(self, redis_cluster: RedisCluster) -> None:
        self.hosts = redis_cluster.hosts[:1]

    def make_layer(self, **config: Any) -> RedisClusterChannelLayer:
        layer = self._open(next(_prefixes), config)
        self.addCleanup(layer.flush)
        return layer

    def make_twin(self, layer: RedisClusterChannelLayer) -> RedisClusterChannelLayer:
        return self._open(layer.prefix, self._config)

    def _open(self, prefix: str, config: dict[str, Any]) -> RedisClusterChannelLayer:
        self._config = config
        return RedisClusterChannelLayer(hosts=self.hosts, prefix=prefix, **config)
