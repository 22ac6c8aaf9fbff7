"""Fixtures for tests of the Redis layer alone."""

import itertools

import pytest

from channels.layers.redis import RedisChannelLayer

_prefixes = (f"redis{number}:" for number in itertools.count())


@pytest.fixture
def make_layer(redis_server):
    """Make layers below one prefix: what one sends, all others receive."""
    prefix, layers = next(_prefixes), []

    def make(**config):
        layers.append(RedisChannelLayer(hosts=[redis_server.url], prefix=prefix, **config))
        return layers[-1]

    yield make
    for layer in layers:
        layer.close()


@pytest.fixture
def layer(make_layer):
    return make_layer()
