"""Each public name of Channels 4.3, and those of 2 and 3 that tutorials use, is there."""

import importlib
import inspect

import pytest

from tests.channels.class_consumers.modern_names import MEMBERS, NAMES, OLDER


def find(path):
    """What a dotted path leads to: modules first, then attributes."""
    found, parts = None, path.split(".")
    for place, part in enumerate(parts):
        try:
            found = importlib.import_module(".".join(parts[: place + 1]))
        except ModuleNotFoundError:
            found = getattr(found, part)
    return found


@pytest.mark.parametrize("module", [*NAMES, *OLDER])
def test_a_module_of_channels_4_has_its_names(module):
    wanted = {**NAMES, **OLDER}[module].split()
    imported = importlib.import_module(module)
    assert [name for name in wanted if not hasattr(imported, name)] == []


@pytest.mark.parametrize("owner", MEMBERS)
def test_a_class_of_channels_4_has_its_members(owner):
    assert [name for name in MEMBERS[owner].split() if not hasattr(find(owner), name)] == []


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("channels.auth.AuthMiddleware", ["inner"]),
        ("channels.auth.AuthMiddlewareStack", ["inner"]),
        ("channels.consumer.get_handler_name", ["message"]),
        ("channels.generic.websocket.WebsocketConsumer.accept", ["self", "subprotocol", "headers"]),
        ("channels.generic.websocket.WebsocketConsumer.close", ["self", "code", "reason"]),
        (
            "channels.generic.websocket.AsyncWebsocketConsumer.send",
            ["self", "text_data", "bytes_data", "close"],
        ),
        (
            "channels.generic.websocket.JsonWebsocketConsumer.send_json",
            ["self", "content", "close"],
        ),
        ("channels.layers.get_channel_layer", ["alias"]),
        ("channels.layers.BaseChannelLayer", ["expiry", "capacity", "channel_capacity"]),
        (
            "channels.layers.InMemoryChannelLayer",
            ["expiry", "group_expiry", "capacity", "channel_capacity", "kwargs"],
        ),
        ("channels.layers.InMemoryChannelLayer.new_channel", ["self", "prefix"]),
        ("channels.middleware.BaseMiddleware", ["inner"]),
        ("channels.routing.ProtocolTypeRouter", ["application_mapping"]),
        ("channels.routing.URLRouter", ["routes"]),
        ("channels.routing.ChannelNameRouter", ["application_mapping"]),
        ("channels.security.websocket.OriginValidator", ["application", "allowed_origins"]),
        ("channels.sessions.InstanceSessionWrapper", ["scope", "send"]),
        ("channels.testing.ApplicationCommunicator", ["application", "scope"]),
        (
            "channels.testing.HttpCommunicator",
            ["application", "method", "path", "body", "headers"],
        ),
        (
            "channels.testing.WebsocketCommunicator",
            ["application", "path", "headers", "subprotocols", "spec_version"],
        ),
        ("channels.testing.WebsocketCommunicator.connect", ["self", "timeout"]),
        ("channels.testing.WebsocketCommunicator.disconnect", ["self", "code", "timeout"]),
        ("channels.utils.await_many_dispatch", ["consumer_callables", "dispatch"]),
    ],
)
def test_a_signature_is_that_of_channels_4(path, parameters):
    assert list(inspect.signature(find(path)).parameters) == parameters


def test_the_version_is_above_those_of_both_generations():
    import channels

    assert tuple(map(int, channels.__version__.split(".")[:2])) >= (5, 0)
    assert channels.DEFAULT_CHANNEL_LAYER == "default"
