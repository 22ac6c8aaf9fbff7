"""A project that `django-admin startproject` made, with this package in it."""

import os
import subprocess
import sys

from tests.processes import REPOSITORY

#: What a newcomer writes into settings.py.
_LAYER = """
import os

INSTALLED_APPS.append("channels")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.redis.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://localhost:6379/0")]},
        "ROUTING": "mysite.routing.channel_routing",
    },
}
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "www.example.org"]
STATIC_ROOT = BASE_DIR / "static-files"
"""

_ROUTING = """
from channels.routing import route


def echo(message):
    message.reply_channel.send({"text": message["text"]})


def resize(message):
    pass


channel_routing = [
    route("websocket.connect", lambda message: message.reply_channel.send({"accept": True})),
    route("websocket.receive", echo),
    route("thumbnails", resize),
    route("mail", resize),
]
"""


class StartedProject:
    """A new project called mysite, in `directory`."""

    def __init__(self, directory, *, layer=_LAYER):
        self.directory = directory
        self.env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("REDIS_URL", "DJANGO_SETTINGS_MODULE")
        }
        self.env["PYTHONPATH"] = str(REPOSITORY)
        self.env["PYTHONUNBUFFERED"] = "1"
        directory.mkdir()
        command = [sys.executable, "-m", "django", "startproject", "mysite", directory]
        subprocess.run(command, check=True, timeout=60)
        with open(directory / "mysite" / "settings.py", "a") as settings:
            settings.write(layer)
        (directory / "mysite" / "routing.py").write_text(_ROUTING)

    def manage(self, *args, check=True, **env):
        """Run manage.py; return what subprocess.run does."""
        run = subprocess.run(
            [sys.executable, "manage.py", *map(str, args)],
            cwd=self.directory,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check:
            assert run.returncode == 0, run.stdout + run.stderr
        return run
