"""What Django's settings say to an interface server."""

from channels.asgi import ChannelLayerWrapper
from channels.layers.memory import MemoryChannelLayer


def test_the_patience_of_the_settings_is_an_option_of_the_interface_server(settings):
    layer = ChannelLayerWrapper(MemoryChannelLayer(), "default", [])
    assert layer.server_settings == {}

    settings.CHANNELS_WEBSOCKET_PATIENCE = 7

    assert layer.server_settings == {"websocket_patience_s": 7.0}


def test_the_subprotocols_come_from_the_settings(settings):
    layer = ChannelLayerWrapper(MemoryChannelLayer(), "default", [])
    settings.CHANNELS_WS_PROTOCOLS = ["a", "b"]
    assert layer.server_settings == {"websocket_protocols": ("a", "b")}
