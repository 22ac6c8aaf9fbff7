"""Channels 4 with channels_redis."""

from pages.base_settings import *  # noqa: F403
from pages.base_settings import INSTALLED_APPS, REDIS_ADDRESS

INSTALLED_APPS = ["channels", *INSTALLED_APPS]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_ADDRESS], "channel_capacity": {"bench-noop": 10_000}},
    }
}
ASGI_APPLICATION = "application.application"
