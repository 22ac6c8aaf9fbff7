"""Channels 1.1.8 with asgi_redis 1.4.3 on Django 1.11."""

from pages.base_settings import *  # noqa: F403
from pages.base_settings import INSTALLED_APPS, REDIS_ADDRESS

INSTALLED_APPS = ["channels", "django.contrib.sessions"] + INSTALLED_APPS
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "asgi_redis.RedisChannelLayer",
        "CONFIG": {
            "hosts": [REDIS_ADDRESS],
            "channel_capacity": {"bench.noop": 10000, "websocket.receive": 1000},
        },
        "ROUTING": "classic.routing.channel_routing",
    }
}
