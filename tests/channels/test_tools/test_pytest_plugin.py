"""The fixtures that the package gives to pytest, in somebody else's project."""

import configparser
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

SETTINGS = """
SECRET_KEY = "only for tests"
USE_TZ = True
INSTALLED_APPS = ["channels"]
CHANNEL_LAYERS = {
    alias: {
        "BACKEND": "channels.layers.redis.RedisChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
        "ROUTING": "theirs.routing",
    }
    for alias in ("default", "second")
}
"""

THEIRS = """
from channels import Channel
from channels.routing import route

def double(message):
    message.reply_channel.send({"text": str(message["n"] * 2)})
    return "doubled"

def connect(message):
    message.reply_channel.send({"accept": True})

def fail(message):
    raise LookupError("theirs")

routing = [route("double", double), route("websocket.connect", connect), route("fail", fail)]
"""

TESTS = """
import django
import pytest
from channels import Channel, Group
from channels.routing import route

django.setup()

def test_layers_are_in_memory(channel_layer):
    channel_layer.send("double", {"n": 1})
    assert channel_layer.router.channels == {"double", "websocket.connect", "fail"}
    Group("all", alias="second").add("websocket.send.s!c")

def test_layers_are_fresh(channel_layer):
    assert channel_layer.receive(["double"]) == (None, None)
    assert len(Group("all", alias="second")) == 0

def test_consume_runs_what_is_given(consume):
    assert consume("double", {"n": 2}) == "doubled"

def test_consume_runs_what_waits(consume, ws_client):
    Channel("double").send({"n": 4, "reply_channel": ws_client.reply_channel})
    consume("double")
    assert ws_client.receive() == 8

def test_consume_raises(consume):
    with pytest.raises(LookupError, match="theirs"):
        consume("fail", {})

def test_sockets(ws_client):
    ws_client.send_and_consume("websocket.connect", path="/")
    assert ws_client.order == 1

def test_requests(http_client, apply_routes):
    apply_routes([route("http.request", lambda message: message.reply_channel.send({"n": 1}))])
    http_client.send_and_consume("http.request", path="/?a=1")
    assert http_client.receive() == {"n": 1}
"""


@pytest.fixture
def run_pytest(tmp_path):
    """Run pytest with the plug-in, in a directory with some files; return its CompletedProcess."""

    def run(files, *args):
        for name, text in files.items():
            (tmp_path / name).write_text(textwrap.dedent(text))
        environment = {
            **os.environ,
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "DJANGO_SETTINGS_MODULE": "settings",
        }
        command = [sys.executable, "-m", "pytest", "-p", "channels.pytest_plugin", "-q", *args]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )

    return run


def test_the_fixtures_work_in_somebody_elses_project(run_pytest):
    files = {"settings.py": SETTINGS, "theirs.py": THEIRS, "test_theirs.py": TESTS}
    done = run_pytest(files, "-W", "error")
    assert "7 passed" in done.stdout, done.stdout + done.stderr


def test_without_django_the_plug_in_is_in_nobodys_way(run_pytest):
    test = """
    import sys

    def test_nothing():
        assert not [name for name in sys.modules if name.startswith("django.")]
    """
    done = run_pytest({"test_other.py": test})
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_installing_the_package_declares_the_plug_in():
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    declared = config["options.entry_points"]["pytest11"].strip()
    assert declared == "channels = channels.pytest_plugin"
