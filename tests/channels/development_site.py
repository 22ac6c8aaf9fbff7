"""A project in one folder, for the commands that developers start; written where tests want it."""

import sys

from tests.processes import wait_until

_FILES = {
    "manage.py": """
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
execute_from_command_line(sys.argv)
""",
    "site_settings.py": """
import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "only for tests"
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib.staticfiles", "channels"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "files"]
USE_TZ = True
if os.environ.get("LAYER") == "memory":
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "asgiref.inmemory.ChannelLayer", "ROUTING": "site_routing.routes"}
    }
elif os.environ.get("REDIS_URL"):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "asgi_redis.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
            "ROUTING": "site_routing.routes",
        }
    }
""",
    "site_urls.py": """
import os

from django.http import HttpResponse
from django.urls import path


def index(request):
    return HttpResponse(f"pid {os.getpid()}")


urlpatterns = [path("", index)]
""",
    "site_routing.py": """
from channels.routing import route

from site_consumers import echo, gather, be_silent

routes = [
    route("http.request", gather, path="^/gather/$"),
    route("http.request", be_silent, path="^/silent/$"),
    route("websocket.connect", be_silent, path="^/silent/$"),
    route("websocket.receive", echo),
]
""",
    "site_consumers.py": """
import os
import threading

VERSION = "first"
four = threading.Barrier(4, timeout=10)


def echo(message):
    message.reply_channel.send({"text": f"{VERSION} {os.getpid()} {message['text']}"})


def gather(message):
    four.wait()
    message.reply_channel.send({"status": 200, "content": b"all four", "more_content": False})


def be_silent(message):
    pass
""",
    "files/site.css": "body { color: teal }",
}


def write_site(directory):
    """Write the project into `directory`; return that."""
    for name, text in _FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def edit(path, old, new):
    """Replace `old` by `new` in the file at `path`, in one step, as an editor would save it."""
    text = path.read_text()
    assert old in text
    beside = path.with_suffix(".new")
    beside.write_text(text.replace(old, new))
    beside.replace(path)


def edit_and_reload(path, old, new, process):
    """Edit as `edit` does, and wait until the autoreloader of `process` has seen it."""
    seen = process.log.count(_CHANGED)
    edit(path, old, new)

    def is_seen():
        path.touch()  # what changed before the reloader first looked at it is no change
        return process.log.count(_CHANGED) > seen

    wait_until(is_seen, what=lambda: f"a change of {path.name} to be seen by {process}")


#: What Django's autoreloader writes.
_CHANGED = "changed, reloading"


class Runserver:
    """`manage.py runserver` in a Split, on a port of its own.

    Args:
        split: a Split of the project.
        port: where it listens.
        *args: more arguments.
    """

    #: What it writes once it listens.
    READY = r"Quit the server with"

    def __init__(self, split, port, *args):
        self.port = port
        self.process = split.start_command(
            sys.executable, "manage.py", "runserver", *args, name="runserver"
        )

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self):
        return f"ws://127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.process.log

    def wait_until_ready(self):
        """Return self once it listens."""
        self.process.wait_for_log(self.READY)
        return self
