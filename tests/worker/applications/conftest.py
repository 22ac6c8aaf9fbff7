"""A layer in memory for instances."""

import pytest


@pytest.fixture
def layer():
    """A fresh in-memory layer, the default one while the test runs."""
    from channels.asgi import channel_layers
    from channels.layers.memory import MemoryChannelLayer

    layer = MemoryChannelLayer()
    old = channel_layers.set("default", layer)
    yield layer
    channel_layers.set("default", old)
