"""Processes of two projects on one Redis, and what the status shows of those of one."""

import json

import pytest

from channels.layers.redis import RedisChannelLayer
from tests.processes import wait_until
from tests.split.conftest import LIMIT_S


@pytest.fixture
def other_site(make_site):
    """Another project with the same default settings."""
    return make_site(SECRET_KEY="another project's")


def assert_refused(process):
    assert process.wait(LIMIT_S) == 1, process
    for text in ("the prefix 'asgi:' is in use", "another SECRET_KEY", "`prefix`"):
        assert text in process.log
    assert "Traceback" not in process.log


def test_two_projects_with_default_settings_do_not_share_a_redis(site, other_site):
    site.start_worker()
    starting = [
        other_site.start_worker(wait=False),
        other_site.start_server(wait=False),
        other_site.start_server(server="uvicorn", wait=False),
    ]
    for process in starting:
        assert_refused(process)
    assert site.stop_workers() == [0]
    other_site.start_worker()


def test_a_server_keeps_other_projects_away_too(site, other_site):
    site.start_server()
    assert_refused(other_site.start_worker(wait=False))


def test_two_projects_with_prefixes_of_their_own_share_a_redis(site, make_site):
    site.start_worker()
    make_site(layer={"prefix": "other:"}, SECRET_KEY="another project's").start_worker()


def test_the_status_shows_servers_workers_and_what_they_run(make_site, redis_server, notes):
    site = make_site(CHANNELS_CODE_VERSION="2026-11-21")
    layer = RedisChannelLayer(hosts=[redis_server.url])
    server, worker = site.start_server(), site.start_worker()
    layer.send("work", {"name": "long", "hold": True})
    notes.expect("began", name="long")

    def look():
        status = json.loads(site.manage("channels_status", "--json"))
        return status if status["servers"] and status["workers"][0]["running"] else None

    status = wait_until(look, limit_s=LIMIT_S, what="the status")
    assert [each["pid"] for each in status["servers"]] == [server.pid]
    assert [each["pid"] for each in status["workers"]] == [worker.pid]
    assert {each["version"] for kind in ("servers", "workers") for each in status[kind]} == {
        "2026-11-21"
    }
    (running,) = status["workers"][0]["running"]
    assert running["channel"] == "work"
    assert "work" in status["workers"][0]["channels"]
    notes.go_on()
    layer.close()
