import os

from tests.split.site.settings import *  # noqa: F403

ROOT_URLCONF = "tests.split.hosted.site.urls"
ASGI_APPLICATION = os.environ.get("ASGI_APPLICATION", "tests.split.hosted.site.asgi.application")
CHANNEL_LAYERS["default"]["ROUTING"] = "tests.split.hosted.site.functions.channel_routing"  # noqa: F405
INSTALLED_APPS = [
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{DIRECTORY}/db.sqlite3"}  # noqa: F405
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNELS_AFTER_LOGOUT = os.environ.get("AFTER_LOGOUT")
