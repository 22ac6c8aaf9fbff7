"""Settings of the demo.

Read from the environment: DEBUG ("1" or "0"), SECRET_KEY, ALLOWED_HOSTS (comma-separated),
CSRF_TRUSTED_ORIGINS (comma-separated, with scheme), RUN_DIR (database, uploads), and one of
REDIS_URL and LAYER_FOLDER (the local layer's folder).
"""

import os
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
RUN_DIR = Path(os.environ.get("RUN_DIR") or BASE_DIR / ".run")
RUN_DIR.mkdir(parents=True, exist_ok=True)


def _listed(variable):
    return [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]


DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY") or ("for the demo on this machine only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("DEBUG is off: set SECRET_KEY in the environment")
ALLOWED_HOSTS = _listed("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = _listed("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "channels.monitor",
    "project",
    "project.chat",
    "project.getting_started",
    "project.liveblog",
    "project.multichat",
    "project.databinding",
    "project.thumbnails",
    "project.polling",
    "project.class_consumers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
#: Class consumers: workers host it. The interface server does not import it.
ASGI_APPLICATION = "project.application.application"

# -- the channel layer ------------------------------------------------------------------------

REDIS_URL, LAYER_FOLDER = os.environ.get("REDIS_URL"), os.environ.get("LAYER_FOLDER")
if REDIS_URL:
    _LAYER = {
        "BACKEND": "channels.layers.redis.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
elif LAYER_FOLDER:
    _LAYER = {
        "BACKEND": "channels.layers.local.LocalChannelLayer",
        "CONFIG": {"folder": LAYER_FOLDER},
    }
else:
    # One process only: enough for `manage.py runserver`.
    _LAYER = {"BACKEND": "channels.layers.memory.MemoryChannelLayer"}
CHANNEL_LAYERS = {"default": {**_LAYER, "ROUTING": "project.routing.channel_routing"}}

# -- data: all of it lies in RUN_DIR ------------------------------------------------------------

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": RUN_DIR / "db.sqlite3",
        # Several workers write: each waits for the others instead of failing ("project.apps" turns
        # write-ahead logging on).
        "OPTIONS": {"timeout": 20},
        "TEST": {"NAME": RUN_DIR / "test.sqlite3"},
    }
}
if django.VERSION >= (5, 1):
    DATABASES["default"]["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = RUN_DIR / "media"
MEDIA_URL = "/media/"
STATIC_ROOT = RUN_DIR / "static"
STATIC_URL = "/static/"

# -- people -------------------------------------------------------------------------------------

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chat:rooms"
LOGOUT_REDIRECT_URL = "landing"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 6},
    }
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
