"""Fixtures for those who test with pytest; installing this package makes them available.

What needs Django is imported when a fixture is used, not when pytest starts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.messages import Content


@pytest.fixture
def channel_layer() -> Iterator[Any]:
    """Fresh in-memory layers in the place of the project's, for one test; this is the default one.

    It has the project's routing, and both the layer's methods and its `router`.
    """
    from channels.asgi import channel_layers
    from channels.channel import DEFAULT_CHANNEL_LAYER
    from channels.test.layers import memory_layers

    with memory_layers({DEFAULT_CHANNEL_LAYER, *channel_layers}):
        yield channel_layers[DEFAULT_CHANNEL_LAYER]


@pytest.fixture
def ws_client(channel_layer: BaseChannelLayer) -> Any:
    """A `channels.test.WSClient` whose messages are ordered, over `channel_layer`."""
    from channels.test import WSClient

    return WSClient(ordered=True)


@pytest.fixture
def http_client(channel_layer: BaseChannelLayer) -> Any:
    """A `channels.test.HttpClient` over `channel_layer`."""
    from channels.test import HttpClient

    return HttpClient()


@pytest.fixture
def consume(channel_layer: BaseChannelLayer) -> Any:
    """A function `consume(channel, content=None)`: runs the consumer that the channel has.

    With `content` (a dict) that is sent first; without, the next message that waits is taken.
    Returns what the consumer returns, and raises what it raises.
    """
    from channels.test import Client

    client = Client()

    def consume(channel: str, content: Content | None = None) -> Any:
        if content is not None:
            client.send(channel, content)
        return client.consume(channel)

    return consume


@pytest.fixture
def apply_routes(channel_layer: BaseChannelLayer) -> Iterator[Any]:
    """A function `apply_routes(routes)`: has them in the place of the project's for one test."""
    from channels.test import apply_routes

    with contextlib.ExitStack() as stack:

        def apply(routes: Any, **options: Any) -> None:
            stack.enter_context(apply_routes(routes, **options))

        yield apply
