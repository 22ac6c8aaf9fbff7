"""The transport: what carries messages between processes.

What programs of Channels 2 and later import from here is loaded on demand: it asks for a face of
the layers whose verbs are coroutines (see `channels.layers.awaited`). The contract of the layers
themselves is `channels.layers.base`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from channels.package_checks import check_names

check_names()

if TYPE_CHECKING:
    from channels.channel import DEFAULT_CHANNEL_LAYER
    from channels.layers.awaited.contract import BaseChannelLayer
    from channels.layers.awaited.manager import (
        ChannelLayerManager,
        channel_layers,
        get_channel_layer,
    )
    from channels.layers.awaited.memory import InMemoryChannelLayer

__all__ = [
    "DEFAULT_CHANNEL_LAYER",
    "BaseChannelLayer",
    "ChannelLayerManager",
    "InMemoryChannelLayer",
    "channel_layers",
    "get_channel_layer",
]

#: Name -> the module that it is made in.
_HOMES = {
    "DEFAULT_CHANNEL_LAYER": "channels.channel",
    "BaseChannelLayer": "channels.layers.awaited.contract",
    "ChannelLayerManager": "channels.layers.awaited.manager",
    "InMemoryChannelLayer": "channels.layers.awaited.memory",
    "channel_layers": "channels.layers.awaited.manager",
    "get_channel_layer": "channels.layers.awaited.manager",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
