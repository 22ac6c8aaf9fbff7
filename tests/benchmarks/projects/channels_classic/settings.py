"""Channels Classic: its own Redis layer, the consumers of 1.x."""

from pages.base_settings import *  # noqa: F403
from pages.base_settings import INSTALLED_APPS, REDIS_ADDRESS

INSTALLED_APPS = ["channels", *INSTALLED_APPS]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.redis.RedisChannelLayer",
        "CONFIG": {
            "hosts": [REDIS_ADDRESS],
            # Room for the producer to run ahead, and for 500 sockets that speak at one instant.
            "channel_capacity": {"bench.noop": 10_000, "websocket.receive": 1_000},
        },
        "ROUTING": "classic.routing.channel_routing",
    }
}
