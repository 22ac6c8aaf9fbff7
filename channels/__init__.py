"""Channels Classic: the Django Channels 1.x model on today's Python, Django, Daphne and Redis."""

from typing import TYPE_CHECKING, Any

__version__ = "5.0.0.dev0"

from channels.channel import DEFAULT_CHANNEL_LAYER, Channel, Group

if TYPE_CHECKING:
    from channels.asgi import channel_layers
    from channels.routing import include, route, route_class

__all__ = [
    "DEFAULT_CHANNEL_LAYER",
    "Channel",
    "Group",
    "__version__",
    "channel_layers",
    "include",
    "route",
    "route_class",
]


def __getattr__(name: str) -> Any:
    # Loaded on demand: reading CHANNEL_LAYERS needs settings, which `import channels` must not.
    if name == "channel_layers":
        from channels.asgi import channel_layers

        return channel_layers
    if name in ("include", "route", "route_class"):
        from channels import routing

        return getattr(routing, name)
    raise AttributeError(f"module 'channels' has no attribute {name!r}")
