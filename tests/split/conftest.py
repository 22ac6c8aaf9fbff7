"""Splits of the site beside this file, and what its consumers note down."""

import json
import threading

import pytest
import requests
from websockets.sync.client import connect

from channels.layers.redis import RedisChannelLayer
from tests.processes import wait_until

#: Seconds within which anything that a test waits for must happen.
LIMIT_S = 20.0
#: Those of a worker that has nothing to finish.
IDLE_EXIT_S = 1.0

ONLY_CLIENTS = ("--only-channels=http.*", "--only-channels=websocket.*")
NO_CLIENTS = ("--exclude-channels=http.*", "--exclude-channels=websocket.*")


class Notes:
    """What the consumers of all processes have noted down.

    Args:
        directory: the site's DIRECTORY.
    """

    def __init__(self, directory):
        self._directory = directory

    def find(self, what, **details):
        """Return the notes of `what`, with these details, in their order."""
        path = self._directory / "notes"
        text = path.read_text() if path.exists() else ""
        lines = text.split("\n")[:-1]  # the last one may be half written
        expected = {"what": what, **details}.items()
        return [note for note in map(json.loads, lines) if expected <= note.items()]

    def count(self, what):
        """Return how many notes of `what` there are."""
        return len(self.find(what))

    def expect(self, what, count=1, **details):
        """Wait until there are `count` of them; return them."""
        return wait_until(
            lambda: len(found := self.find(what, **details)) >= count and found,
            limit_s=LIMIT_S,
            what=lambda: f"{count} notes of {what} {details}; {self.find(what)}",
        )

    def go_on(self):
        """Give the sign that consumers wait for."""
        (self._directory / "go-on").touch()


@pytest.fixture
def notes(tmp_path):
    return Notes(tmp_path)


@pytest.fixture
def make_site(make_split, redis_server, tmp_path):
    """Make a Split of the site; `layer` adds to the layer's CONFIG, the rest to the environment."""

    def make(layer=None, redis=redis_server, **env):
        return make_split(
            settings="tests.split.site.settings",
            asgi="tests.split.site.asgi:channel_layer",
            redis_url=redis.url,
            env={"DIRECTORY": str(tmp_path), "LAYER": json.dumps(layer or {}), **env},
        )

    return make


@pytest.fixture
def site(make_site):
    """A Split of the site with default settings; nothing is started yet."""
    return make_site()


@pytest.fixture
def layer(redis_server):
    """The site's layer, in this process."""
    layer = RedisChannelLayer(hosts=[redis_server.url])
    yield layer
    layer.close()


def open_socket(server, path="/"):
    return connect(server.ws_url + path, open_timeout=LIMIT_S, close_timeout=LIMIT_S, proxy=None)


def ask(socket, text="hello"):
    """Send a frame; return the answer."""
    socket.send(text)
    return socket.recv(LIMIT_S)


def get(server, path="/"):
    return requests.get(server.url + path, timeout=LIMIT_S)


class Getting(threading.Thread):
    """A request that is under way; `result()` waits for its response."""

    def __init__(self, server, path="/"):
        super().__init__(daemon=True)
        self._server, self._path, self._response, self._error = server, path, None, None
        self.start()

    def run(self):
        try:
            self._response = get(self._server, self._path)
        except requests.RequestException as error:
            self._error = error

    @property
    def is_waiting(self):
        return self.is_alive()

    def result(self):
        """Return the response, or raise what came instead of it."""
        self.join(LIMIT_S)
        if self._error is not None:
            raise self._error
        return self._response
