"""Channels Classic: its own layers, the consumers of 1.x."""

import os
from pathlib import Path

from pages.base_settings import *  # noqa: F403
from pages.base_settings import INSTALLED_APPS, REDIS_ADDRESS

INSTALLED_APPS = ["channels", *INSTALLED_APPS]
#: Whoever shares a broker or a cluster with others has a prefix of his own.
_PREFIX = os.environ.get("BENCH_PREFIX", "bench.")
#: What carries messages: name -> class and CONFIG.
LAYERS = {
    "redis": ("channels.layers.redis.RedisChannelLayer", {"hosts": [REDIS_ADDRESS]}),
    "local": (
        "channels.layers.local.LocalChannelLayer",
        {"folder": str(Path(os.environ["BENCH_DATABASE"]).with_name("layer"))},
    ),
    "rabbitmq": (
        "channels.layers.rabbitmq.RabbitmqChannelLayer",
        {"url": os.environ.get("BENCH_ENGINE_URL", "amqp://localhost/"), "prefix": _PREFIX},
    ),
    "cluster": (
        "channels.layers.redis.RedisClusterChannelLayer",
        {
            "hosts": [os.environ.get("BENCH_ENGINE_URL", "redis://localhost:6379")],
            "prefix": _PREFIX,
        },
    ),
}
_backend, _config = LAYERS[os.environ.get("BENCH_ENGINE", "redis")]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": _backend,
        "CONFIG": {
            **_config,
            # Room for the producer to run ahead, and for 500 sockets that speak at one instant.
            "channel_capacity": {"bench.noop": 10_000, "websocket.receive": 1_000},
        },
        "ROUTING": "classic.routing.channel_routing",
    }
}
