"""Settings: REDIS_URL and DATABASE name what the processes of a test share."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "only for tests"
USE_TZ = True
ROOT_URLCONF = "tests.channels.test_tools.live.urls"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
GREETING = "hello"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["DATABASE"],
        "TEST": {"NAME": os.environ.get("TEST_DATABASE")},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ.get("BACKEND", "channels.layers.redis.RedisChannelLayer"),
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "capacity": 200},
        "ROUTING": "tests.channels.test_tools.live.consumers.routing",
    }
}
if "BACKEND" in os.environ:
    CHANNEL_LAYERS["default"]["CONFIG"] = {}
if "TEST_PREFIX" in os.environ:
    CHANNEL_LAYERS["default"]["TEST_CONFIG"] = {
        "hosts": [os.environ["REDIS_URL"]],
        "prefix": os.environ["TEST_PREFIX"],
    }
