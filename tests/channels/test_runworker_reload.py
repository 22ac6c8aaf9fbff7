"""`manage.py runworker --reload`, as a real process of a small project."""

import os
import signal

import pytest

from channels.layers.redis import RedisChannelLayer
from tests.channels.development_site import edit_and_reload, write_site
from tests.processes import wait_until

CONSUMERS = """
import pathlib
import time

VERSION = "first"
HERE = pathlib.Path(__file__).parent


def write_version(message):
    (HERE / f"began-{message['name']}").touch()
    while message["name"] == "long" and not (HERE / "go-on").exists():
        time.sleep(0.01)
    (HERE / f"ran-{message['name']}").write_text(VERSION)
"""
ROUTING = """
from channels.routing import route

routes = [route("work", "work_consumers.write_version")]
"""


@pytest.fixture
def site(tmp_path):
    write_site(tmp_path)
    (tmp_path / "work_consumers.py").write_text(CONSUMERS)
    (tmp_path / "site_routing.py").write_text(ROUTING)
    return tmp_path


@pytest.fixture
def layer(redis_server):
    layer = RedisChannelLayer(hosts=[redis_server.url])
    yield layer
    layer.close()


@pytest.fixture
def worker(site, make_split, redis_server):
    split = make_split(site, settings="site_settings", redis_url=redis_server.url)
    return split.start_worker("--reload")


def has_run(site, name):
    path = site / f"ran-{name}"
    return path.exists() and path.read_text()


def test_changed_code_is_used_once_what_runs_has_ended(site, layer, worker):
    layer.send("work", {"name": "long"})
    wait_until((site / "began-long").exists)
    edit_and_reload(site / "work_consumers.py", "first", "second", worker)
    layer.send("work", {"name": "next"})
    (site / "go-on").touch()
    assert wait_until(lambda: has_run(site, "long")) == "first"
    assert wait_until(lambda: has_run(site, "next")) == "second"


def test_a_mistake_is_told_and_waited_out(site, layer, worker):
    edit_and_reload(site / "work_consumers.py", 'VERSION = "first"', "VERSION = first", worker)
    worker.wait_for_log(r"CommandError: .*NameError")
    edit_and_reload(site / "work_consumers.py", "VERSION = first", 'VERSION = "second"', worker)
    layer.send("work", {"name": "next"})
    assert wait_until(lambda: has_run(site, "next")) == "second"


def test_ctrl_c_lets_what_runs_end(site, layer, worker):
    layer.send("work", {"name": "long"})
    wait_until((site / "began-long").exists)
    os.killpg(worker.pid, signal.SIGINT)  # as a terminal does
    (site / "go-on").touch()
    assert worker.wait() == 0
    assert has_run(site, "long") == "first"
