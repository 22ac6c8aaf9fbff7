import contextlib
import json

import pytest

from tests.split.conftest import LIMIT_S, open_socket


@pytest.fixture
def site(make_split, redis_server, tmp_path):
    """A Split whose sockets are class consumers; nothing is started yet."""
    return make_split(
        settings="tests.split.hosted.site.settings",
        asgi="channels.asgi:channel_layer",
        redis_url=redis_server.url,
        env={"DIRECTORY": str(tmp_path)},
    )


class JsonSocket:
    """A client's side of a socket that speaks JSON."""

    def __init__(self, raw):
        self.raw = raw

    def ask(self, value):
        self.raw.send(json.dumps(value))
        return self.next()

    def next(self):
        return json.loads(self.raw.recv(LIMIT_S))

    def close(self):
        self.raw.close()


@pytest.fixture
def open_json():
    with contextlib.ExitStack() as stack:
        yield lambda server, path="/count/blue/": JsonSocket(
            stack.enter_context(open_socket(server, path))
        )
