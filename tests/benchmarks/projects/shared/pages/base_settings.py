"""What all contenders' settings share. It must run on Django 1.11 as on today's."""

import os

SECRET_KEY = "for benchmarks only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "pages.urls"
INSTALLED_APPS = ["pages"]
# CommonMiddleware sets Content-Length, which the load generator relies on.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BENCH_DATABASE"]}
}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True
LOGGING_CONFIG = None
REDIS_ADDRESS = ("127.0.0.1", int(os.environ["BENCH_REDIS_PORT"]))
