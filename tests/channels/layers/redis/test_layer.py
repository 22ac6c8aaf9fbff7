"""The Redis layer keeps every promise: alone, encrypted, and over two hosts."""

import itertools
import unittest

import pytest

from channels.layers.redis import RedisChannelLayer
from channels.test.conformance import ConformanceSuite

_prefixes = (f"test{number}:" for number in itertools.count())


class RedisHarness(ConformanceSuite):
    """Each layer gets a prefix of its own, on Redis servers of this run."""

    short_expiry_s = 0.4
    margin_s = 0.2
    options = {}

    @pytest.fixture(autouse=True)
    def _hosts(self, redis_server):
        self.hosts = [redis_server.url]

    def make_layer(self, **config):
        layer = RedisChannelLayer(
            hosts=self.hosts, prefix=next(_prefixes), **self.options, **config
        )
        layer.config = config
        self.addCleanup(layer.flush)
        return layer

    def make_twin(self, layer):
        return RedisChannelLayer(
            hosts=self.hosts, prefix=layer.prefix, **self.options, **layer.config
        )


class RedisConformance(RedisHarness, unittest.TestCase):
    """One Redis."""


class Resp3Conformance(RedisHarness, unittest.TestCase):
    """One Redis, whose replies have the forms of RESP 3."""

    options = {"connection_kwargs": {"protocol": 3}}


class EncryptedConformance(RedisHarness, unittest.TestCase):
    """One Redis, messages encrypted."""

    options = {"symmetric_encryption_keys": ["secret", b"older secret"]}


class TwoHostsConformance(RedisHarness, unittest.TestCase):
    """Two Redis servers."""

    receive_tries = 2

    @pytest.fixture(autouse=True)
    def _hosts(self, redis_server, second_redis_server):
        self.hosts = [redis_server.url, second_redis_server.url]
