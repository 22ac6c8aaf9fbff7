"""`manage.py runserver` for a project of Channels 4: in process, with reloads and static files."""

import signal

import pytest
import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.acceptance.channels_4.conftest import LIMIT_S
from tests.acceptance.channels_4.test_tutorial import write
from tests.channels.development_site import edit_and_reload
from tests.processes import Split, free_port, wait_until


@pytest.fixture
def directory(tmp_path):
    directory = write(tmp_path / "site", "tutorial_part_3")
    settings = directory / "mysite" / "settings.py"
    with open(settings, "a") as file:
        file.write(
            'CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}\n'
        )
    static = directory / "chat" / "static" / "chat"
    static.mkdir(parents=True)
    (static / "site.css").write_text("body { color: teal }")
    return directory


@pytest.fixture
def runserver(directory):
    """A function that starts it with more arguments; returns the Process and its port."""
    with Split(directory, settings="mysite.settings") as split:

        def start(*args):
            port = free_port()
            process = split.start_command(
                split.python, "manage.py", "runserver", str(port), *args, name="runserver"
            )
            process.wait_for_log("Quit the server with")
            return process, port

        yield start


def talk(port, text):
    """What one hears in a room after saying `text`."""
    options = {"open_timeout": LIMIT_S, "proxy": None, "origin": f"http://127.0.0.1:{port}"}
    with connect(f"ws://127.0.0.1:{port}/ws/chat/lobby/", **options) as socket:
        socket.send(f'{{"message": "{text}"}}')
        return socket.recv(LIMIT_S)


def test_pages_sockets_and_static_files_are_served(runserver):
    process, port = runserver("--noreload")
    assert "ASGI application mysite.asgi.application" in process.log
    assert talk(port, "hello") == '{"message": "hello"}'
    for path, text in (("/chat/", "What chat room"), ("/static/chat/site.css", "teal")):
        assert text in requests.get(f"http://127.0.0.1:{port}{path}", timeout=LIMIT_S).text
    wait_until(lambda: "HTTP GET /chat/ 200" in process.log, what="the line of the request")
    assert "WebSocket CONNECT /ws/chat/lobby/" in process.log
    assert process.stop(by=signal.SIGINT) == 0


def test_changed_code_is_reloaded(runserver, directory):
    process, port = runserver()
    assert talk(port, "hello") == '{"message": "hello"}'
    consumers = directory / "chat" / "consumers.py"
    old = 'message = event["message"]'
    edit_and_reload(consumers, old, f"{old}.upper()", process)

    def is_new():
        try:
            return talk(port, "hello") == '{"message": "HELLO"}'
        except (OSError, WebSocketException):
            return False  # it is being started

    wait_until(is_new, limit_s=30, what="the new code")
