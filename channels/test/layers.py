"""What stands in for the project's layers while a test runs."""

import contextlib

from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.layers.memory import MemoryChannelLayer


@contextlib.contextmanager
def memory_layers(aliases):
    """Have each of `aliases` mean a fresh in-memory layer, with the routing it has anyway."""
    with contextlib.ExitStack() as stack:
        for alias in aliases:
            layer = MemoryChannelLayer()
            stack.callback(layer.close)
            stack.enter_context(
                replaced_layer(alias, ChannelLayerWrapper(layer, alias, find_routing(alias)))
            )
        yield


@contextlib.contextmanager
def replaced_layer(alias, layer):
    """Have `alias` mean `layer`, and then again what it meant before."""
    old = channel_layers.set(alias, layer)
    try:
        yield layer
    finally:
        channel_layers.set(alias, old)


def find_routing(alias):
    """Return the routing of `alias`, without making the layer; [] if it is not configured."""
    layer = channel_layers.backends.get(alias)
    if layer is not None:
        return getattr(layer, "routing", [])
    return channel_layers.configs.get(alias, {}).get("ROUTING", [])
