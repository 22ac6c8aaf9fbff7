"""Which faults excuse that a socket was closed, and which don't."""

import pytest

from tests.faults.checker.judgement import Past, check

BRIEF = "a trouble that passes closes nobody"
FAULT_AT = 1_000.0


def is_found(fault, code=1012, kind="ordered", after_s=5.0, pid=1, lasts_s=3.0, port=80):
    """Whether it is a finding that a socket was closed after a fault."""
    until = FAULT_AT + lasts_s
    events = [
        {"event": "opened", "conn": 1, "kind": kind, "port": 80, "at": 900.0},
        {"event": "fault", "at": FAULT_AT, "until": until, **fault, "ports": [port]},
        {
            "event": "closed",
            "conn": 1,
            "code": code,
            "socket": "s",
            "was_idle": False,
            "at": until + after_s,
        },
    ]
    if kind != "ordered":
        state = {"frames": 0, "messages": 0, "in_scope": 0}
        events.append(
            {
                "event": "hosted",
                "socket": "s",
                "stint": "a",
                "after": None,
                "pid": pid,
                "at": 900.1,
                **state,
            }
        )
    return BRIEF in [finding.promise for finding in check(Past(events))]


@pytest.mark.parametrize("code", [1006, 1011, 1012, 1013])
@pytest.mark.parametrize(
    "name",
    ["freeze Redis", "freeze server", "freeze worker", "silent network", "slow network"]
    + ["lossy network", "pause clients", "stop worker", "rolling restart", "lose scripts"],
)
def test_a_trouble_that_is_shorter_than_the_patience_excuses_nothing(name, code):
    assert is_found({"name": name}, code)
    assert is_found({"name": name}, code, "async")


def test_a_socket_that_its_application_closes_is_no_finding():
    assert not is_found({"name": "stop worker"}, 1000)


@pytest.mark.parametrize("name", ["freeze Redis", "freeze worker", "silent network", "no worker"])
def test_what_stands_still_for_longer_than_the_patience_is_excused(name):
    assert not is_found({"name": name}, 1013, lasts_s=40.0)
    assert is_found({"name": name}, 1013, lasts_s=20.0)


def test_short_troubles_one_after_the_other_add_up():
    faults = [
        {"event": "fault", "name": "freeze Redis", "at": at, "until": at + 18.0}
        for at in (1_000.0, 1_022.0)
    ]
    closed = {"event": "closed", "conn": 1, "code": 1013, "at": 1_042.0, "was_idle": False}
    assert check(Past([*faults, closed])) == []
    assert check(Past([faults[0], closed]))


def test_a_server_that_ends_excuses_its_own_sockets_only():
    assert not is_found({"name": "kill server"}, 1006, port=80)
    assert is_found({"name": "kill server"}, 1006, port=81)


def test_a_server_that_stands_still_for_long_excuses_its_own_sockets_only():
    assert not is_found({"name": "freeze server"}, 1012, lasts_s=50.0, port=80)
    assert is_found({"name": "freeze server"}, 1012, lasts_s=50.0, port=81)


@pytest.mark.parametrize(
    ("kind", "pid", "found"),
    [("async", 1, False), ("async", 2, True), ("async-kept", 1, True), ("ordered", 1, False)],
)
def test_a_worker_that_is_killed_excuses_the_sockets_that_it_hosts_without_checkpoints(
    kind, pid, found
):
    assert is_found({"name": "kill worker", "pids": [1]}, kind=kind, pid=pid) is found


@pytest.mark.parametrize(
    ("kind", "lasts_s", "found"),
    [("sync", 12.0, False), ("sync", 4.0, True), ("sync-kept", 12.0, True)],
)
def test_a_worker_that_shows_no_sign_of_life_for_9_s_has_lost_its_instances(kind, lasts_s, found):
    frozen = {"name": "freeze worker", "frozen": [1]}
    assert is_found(frozen, kind=kind, lasts_s=lasts_s) is found


def test_a_redis_that_has_lost_its_last_moments_excuses_1012_and_nothing_else():
    assert not is_found({"name": "lose last moments"}, 1012)
    assert is_found({"name": "lose last moments"}, 1011)
    assert is_found({"name": "lose last moments"}, 1012, after_s=30.0)


def test_an_excuse_does_not_last_for_ever():
    assert not is_found({"name": "wipe Redis"}, 1012, after_s=50.0)
    assert is_found({"name": "wipe Redis"}, 1012, after_s=70.0)
