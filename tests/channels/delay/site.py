"""Settings for delay servers as processes of their own; REDIS_URL and DATABASE: what they share."""

import os

SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["channels", "channels.delay"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["DATABASE"],
        "OPTIONS": {"timeout": 30},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.redis.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        "ROUTING": [],
    }
}
