"""Fixtures for those who test with pytest; installing this package makes them available.

What needs Django is imported when a fixture is used, not when pytest starts.
"""

import pytest


@pytest.fixture
def channel_layer():
    """Fresh in-memory layers in the place of the project's, for one test; this is the default one.

    It has the project's routing, and both the layer's methods and its `router`.
    """
    from channels.asgi import channel_layers
    from channels.channel import DEFAULT_CHANNEL_LAYER
    from channels.test.layers import memory_layers

    with memory_layers({DEFAULT_CHANNEL_LAYER, *channel_layers}):
        yield channel_layers[DEFAULT_CHANNEL_LAYER]


@pytest.fixture
def ws_client(channel_layer):
    """A `channels.test.WSClient` whose messages are ordered, over `channel_layer`."""
    from channels.test import WSClient

    return WSClient(ordered=True)


@pytest.fixture
def http_client(channel_layer):
    """A `channels.test.HttpClient` over `channel_layer`."""
    from channels.test import HttpClient

    return HttpClient()


@pytest.fixture
def consume(channel_layer):
    """A function `consume(channel, content=None)`: runs the consumer that the channel has.

    With `content` (a dict) that is sent first; without, the next message that waits is taken.
    Returns what the consumer returns, and raises what it raises.
    """
    from channels.test import Client

    client = Client()

    def consume(channel, content=None):
        if content is not None:
            client.send(channel, content)
        return client.consume(channel)

    return consume


@pytest.fixture
def apply_routes(channel_layer):
    """A function `apply_routes(routes)`: has them in the place of the project's for one test."""
    import contextlib

    from channels.test import apply_routes

    with contextlib.ExitStack() as stack:

        def apply(routes, **options):
            stack.enter_context(apply_routes(routes, **options))

        yield apply
