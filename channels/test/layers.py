"""What stands in for the project's layers while a test runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.layers.memory import MemoryChannelLayer

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer


@contextlib.contextmanager
def memory_layers(aliases: Iterable[str]) -> Iterator[None]:
    """Have each of `aliases` mean a fresh in-memory layer, with the routes it has anyway."""
    with contextlib.ExitStack() as stack:
        for alias in aliases:
            layer = MemoryChannelLayer()
            stack.callback(layer.close)
            stack.enter_context(replaced_layer(alias, wrap_layer(layer, alias)))
        yield


@contextlib.contextmanager
def replaced_layer(alias: str, layer: ChannelLayerWrapper) -> Iterator[ChannelLayerWrapper]:
    """Have `alias` mean `layer`, and then again what it meant before."""
    old = channel_layers.set(alias, layer)
    try:
        yield layer
    finally:
        channel_layers.set(alias, old)


def wrap_layer(layer: BaseChannelLayer, alias: str, routing: Any = None) -> ChannelLayerWrapper:
    """Return `layer` with the MIDDLEWARE that `alias` has anyway, and with its ROUTING or another.

    The alias's own layer is not made for this; one that is not configured has neither.
    """
    known = channel_layers.backends.get(alias)
    entry = channel_layers.configs.get(alias, {})
    if routing is None:
        routing = getattr(known, "routing", entry.get("ROUTING", []))
    middleware = getattr(known, "middleware_paths", entry.get("MIDDLEWARE", ()))
    return ChannelLayerWrapper(layer, alias, routing, middleware)
