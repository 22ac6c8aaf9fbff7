"""Fixtures for management commands that look into a layer."""

import io

import pytest


@pytest.fixture
def redis_layer(redis_server):
    """A Redis layer, the default one while the test runs."""
    from channels.asgi import ChannelLayerWrapper, channel_layers
    from channels.layers.redis import RedisChannelLayer

    layer = RedisChannelLayer(hosts=[redis_server.url])
    old = channel_layers.set("default", ChannelLayerWrapper(layer, "default", []))
    yield layer
    channel_layers.set("default", old)
    layer.close()


@pytest.fixture
def run():
    """Run a command; returns what it prints."""
    from django.core.management import call_command

    def run(*args):
        output = io.StringIO()
        call_command(*args, stdout=output, no_color=True)
        return output.getvalue()

    return run
