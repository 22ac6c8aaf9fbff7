"""Settings of the faults' project.

Each site hands in its directory (FAULTS_DIRECTORY), its layer's CONFIG (FAULTS_CONFIG) and its own
settings (FAULTS_SETTINGS), the latter two as JSON.
"""

import json
import os
from pathlib import Path

DIRECTORY = Path(os.environ["FAULTS_DIRECTORY"])
SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["localhost", "www.example.org"]
ROOT_URLCONF = "tests.faults.project.urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels",
    "channels.delay",
]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DIRECTORY / "db.sqlite3",
        "OPTIONS": {"timeout": 30},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ.get("FAULTS_BACKEND", "channels.layers.redis.RedisChannelLayer"),
        "CONFIG": json.loads(os.environ["FAULTS_CONFIG"]),
        "ROUTING": os.environ.get("FAULTS_ROUTING", "tests.faults.project.routing.channel_routing"),
    }
}
#: Whether dead servers are found out sooner than in life: see haste.py.
HASTE = False
globals().update(json.loads(os.environ.get("FAULTS_SETTINGS", "{}")))
if HASTE:
    from tests.faults.project.haste import hurry

    hurry()
