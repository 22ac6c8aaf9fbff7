"""The layers of CHANNEL_LAYERS with awaited verbs, by alias."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from django.core.signals import setting_changed

from channels import asgi
from channels.channel import DEFAULT_CHANNEL_LAYER
from channels.exceptions import InvalidChannelLayerError
from channels.layers.awaited.layer import AwaitedLayer
from channels.layers.base import BaseChannelLayer as Engine


class ChannelLayerManager:
    """The layers of CHANNEL_LAYERS by alias, each made when it is first asked for.

    A layer of ours is the one that consumers of 1.x have, with other verbs; a layer of others, made
    for Channels 2 and later, is what its class makes.
    """

    def __init__(self) -> None:
        self.backends: dict[str, Any] = {}
        #: Alias -> what it meant for consumers of 1.x before a layer was `set`.
        self._before: dict[str, Any] = {}
        self._lock = threading.Lock()
        setting_changed.connect(self._forget_layers)

    def _forget_layers(self, *, setting: str, **kwargs: Any) -> None:
        """CHANNEL_LAYERS is another one now: make the layers anew, as a test expects."""
        if setting == "CHANNEL_LAYERS":
            self.backends.clear()
            asgi.channel_layers.forget_made()

    @property
    def configs(self) -> dict[str, Any]:
        """CHANNEL_LAYERS, read when asked."""
        configs: dict[str, Any] = asgi.channel_layers.configs
        return configs

    def make_backend(self, name: str) -> Any:
        """Return a new layer from its CONFIG. Raises InvalidChannelLayerError."""
        return with_awaited_verbs(asgi.channel_layers.make_backend(name))

    def make_test_backend(self, name: str) -> Any:
        """Return a new layer from its TEST_CONFIG. Raises InvalidChannelLayerError."""
        return with_awaited_verbs(asgi.channel_layers.make_test_backend(name))

    def __getitem__(self, key: str) -> Any:
        with self._lock:
            return self._find(key)

    def _find(self, key: str) -> Any:
        layer = self.backends.get(key)
        wrapper = getattr(layer, "wrapper", None)
        if layer is not None and (wrapper is None or wrapper is asgi.channel_layers[key]):
            return layer
        # It is asked for the first time, or a test has put another layer in its place.
        layer = self.backends[key] = with_awaited_verbs(asgi.channel_layers[key])
        return layer

    def __contains__(self, key: object) -> bool:
        return key in self.configs

    def __iter__(self) -> Iterator[str]:
        return iter(self.configs)

    def set(self, key: str, layer: Any) -> Any:
        """Let alias `key` mean `layer` from now on; return what it meant before, or None."""
        with self._lock:
            old = self.backends.pop(key, None)
            if isinstance(old, AwaitedLayer) and old.wrapper is not self._classic(key):
                old = None  # a test has had another layer in its place since then
            if layer is not None:
                self.backends[key] = layer
            self._share(key, layer)
        return old

    @staticmethod
    def _classic(key: str) -> object:
        """What an alias means for consumers of 1.x, if that has been made."""
        return asgi.channel_layers.backends.get(key)

    def _share(self, key: str, layer: Any) -> None:
        """Let consumers of 1.x have the same layer under this alias, if it is one of ours."""
        if isinstance(layer, AwaitedLayer):
            if layer.wrapper is None:
                entry = self.configs.get(key, {})
                routing, middleware = entry.get("ROUTING", []), entry.get("MIDDLEWARE", ())
                layer.wrapper = asgi.ChannelLayerWrapper(layer.engine, key, routing, middleware)
            before = asgi.channel_layers.set(key, layer.wrapper)
            if self._before.setdefault(key, before) is layer.wrapper:
                del self._before[key]  # it is as it was
        elif key in self._before:
            asgi.channel_layers.set(key, self._before.pop(key))


def with_awaited_verbs(layer: Any) -> Any:
    """Return the face of a layer that has awaited verbs: of a layer of ours, an AwaitedLayer."""
    engine = getattr(layer, "channel_layer", layer)
    if not isinstance(engine, Engine):
        return engine
    return AwaitedLayer(engine, wrapper=layer)


def get_channel_layer(alias: str = DEFAULT_CHANNEL_LAYER) -> Any:
    """Return the layer `alias` of CHANNEL_LAYERS, whose verbs are coroutines; None if there is
    none of that name. Raises InvalidChannelLayerError if it can't be made."""
    if alias not in channel_layers.backends and alias not in channel_layers:
        return None
    return channel_layers[alias]


#: The layers of this process.
channel_layers = ChannelLayerManager()

__all__ = [
    "DEFAULT_CHANNEL_LAYER",
    "ChannelLayerManager",
    "InvalidChannelLayerError",
    "channel_layers",
    "get_channel_layer",
    "with_awaited_verbs",
]
