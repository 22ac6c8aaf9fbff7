"""A layer as an `asgi.py` has it: with what the project's settings say."""

from channels.asgi import ChannelLayerWrapper
from channels.layers.memory import MemoryChannelLayer

channel_layer = ChannelLayerWrapper(MemoryChannelLayer(), "default", [])
