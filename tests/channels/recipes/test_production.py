"""What is not ready for production is told, and what is, is not."""

from types import SimpleNamespace

import pytest

from channels.recipes.production import check_django, check_processes, check_redis_info

KEY = "k3" * 30
SERVER = {"id": "a", "host": "web-1", "pid": 7, "metrics": "9400"}
WORKER = {"id": "b", "host": "web-1", "pid": 8, "metrics": "9500"}


def whats(found):
    return [one.what for one in found]


def make_settings(**changes):
    return SimpleNamespace(
        **{"DEBUG": False, "SECRET_KEY": KEY, "ALLOWED_HOSTS": ["a.example"], **changes}
    )


def test_settings_of_a_site_that_is_ready_lack_nothing():
    assert whats(check_django(make_settings())) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"DEBUG": True}, "DEBUG"),
        ({"SECRET_KEY": f"django-insecure-{KEY}"}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS is empty"),
        ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS lets every name in"),
    ],
)
def test_what_the_settings_lack_is_told(changes, what):
    (told,) = whats(check_django(make_settings(**changes)))
    assert what in told


def test_redis_that_evicts_or_may_grow_without_end_or_forgets_is_told():
    good = {"maxmemory": 400, "maxmemory_policy": "noeviction"}
    assert whats(check_redis_info("Redis", good, {"aof_enabled": 1})) == []
    told = whats(
        check_redis_info(
            "Redis", {"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, {"aof_enabled": 0}
        )
    )
    assert told == [
        "Redis evicts keys (maxmemory-policy allkeys-lru)",
        "Redis has no maxmemory",
        "Redis keeps nothing for after a restart",
    ]


def test_worker_that_nobody_starts_again_is_told_by_its_process():
    kept = {**WORKER, "restarted_by": "systemd"}
    status = {"servers": [SERVER], "workers": [kept, {**WORKER, "pid": 9}]}
    assert whats(check_processes(status)) == [
        "nothing starts a worker again that dies: process 9 on web-1"
    ]


def test_process_that_shows_no_metrics_is_told():
    worker = {**WORKER, "restarted_by": "systemd", "metrics": None}
    assert whats(check_processes({"servers": [SERVER], "workers": [worker]})) == [
        "no metrics are shown by process 8 on web-1"
    ]


def test_no_server_and_no_worker_are_told():
    assert whats(check_processes({"servers": [], "workers": []})) == [
        "no interface server runs",
        "no worker runs",
    ]
