"""The channel layer that a command looks into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management import CommandError

from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.channel import DEFAULT_CHANNEL_LAYER
from channels.exceptions import InvalidChannelLayerError

if TYPE_CHECKING:
    from django.core.management import CommandParser


def add_layer_argument(parser: CommandParser) -> None:
    """Let a command take --layer."""
    parser.add_argument(
        "--layer",
        default=DEFAULT_CHANNEL_LAYER,
        metavar="ALIAS",
        help="The channel layer, by its alias in CHANNEL_LAYERS.",
    )


def find_layer(alias: str, extension: str) -> ChannelLayerWrapper:
    """Return the layer `alias`, which has an extension and can be looked into from here.

    Raises CommandError.
    """
    layer = find_shared_layer(alias, "so this one can't look into it: use Redis in CHANNEL_LAYERS")
    if extension not in layer.extensions:
        raise CommandError(f"the layer {layer} has no {extension!r} extension")
    return layer


def find_shared_layer(alias: str, trouble: str) -> ChannelLayerWrapper:
    """Return the layer `alias`, which works between processes; `trouble` is what would come of one
    that does not. Raises CommandError."""
    try:
        layer: ChannelLayerWrapper = channel_layers[alias]
    except InvalidChannelLayerError as error:
        raise CommandError(str(error)) from error
    if layer.local_only():
        raise CommandError(f"the layer {alias!r} lives in the memory of one process, {trouble}")
    return layer
