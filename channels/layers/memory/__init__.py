"""The in-memory channel layer: threads and event loops of one process.

    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.memory.MemoryChannelLayer", "ROUTING": "..."},
    }

`store.py` and what it is made of (`queues.py`, `groups.py`, `servers.py`, `sockets.py`) decide,
without I/O or a clock; `waiting.py` blocks and wakes; `layer.py` and `link.py` are the shells
around both.
"""

from channels.layers.memory.layer import MemoryChannelLayer

__all__ = ["ChannelLayer", "MemoryChannelLayer"]

#: The name it had in asgiref 1.x (`asgiref.inmemory.ChannelLayer`).
ChannelLayer = MemoryChannelLayer
