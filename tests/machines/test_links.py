"""Trouble between machines: cables that are out for a while, ways on which everything is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from channels.layers.rabbitmq.drawers import LIMIT_S as DRAWER_LIMIT_S
from tests.conftest import give_up
from tests.machines.engines import ENGINES
from tests.machines.network import find_obstacle
from tests.machines.site import Spread, spread
from tests.machines.troubles import (
    BAD_LINKS,
    ENGINE_OUT,
    ONE_WAY,
    SERVER_OUT,
    WORKER_OUT,
    go_through,
)

#: Seconds of trouble.
BRIEF_S = 3.0
#: Longer than a worker waits for other workers, or a server for the answer to a command.
LONG_S = 12.0


@pytest.fixture(scope="module", params=ENGINES)
def site(request: pytest.FixtureRequest) -> Iterator[Spread]:
    """Engine, servers and workers, each on its machine, for all troubles of one engine."""
    obstacle = find_obstacle() or ENGINES[request.param]().find_obstacle()
    if obstacle is not None:
        give_up(obstacle)
    with spread(request.param) as site:
        yield site


def assert_all_went_on(reports: list[dict[str, Any]]) -> None:
    """Every socket is open, and every frame came back once and in order."""
    assert [report["close_code"] for report in reports] == [None] * len(reports)
    assert all(report["is_whole"] for report in reports)


@pytest.mark.parametrize("trouble", [SERVER_OUT, ONE_WAY], ids=lambda trouble: trouble.name)
def test_trouble_of_one_server_is_felt_by_its_clients_only(site: Spread, trouble: Any) -> None:
    reports = go_through(site, trouble, BRIEF_S)
    assert_all_went_on(reports["server1"])
    # Over RabbitMQ, who is cut off with a drawer in his hands has the others wait until TCP has
    # sent again what he said.
    limit_s = DRAWER_LIMIT_S if site.engine_name == "rabbitmq" else 3.0
    assert max(report["longest_s"] for report in reports["server1"]) < limit_s


def assert_nearly_all_came(reports: list[dict[str, Any]]) -> None:
    """Nobody was closed, and no answer came twice. A frame that each of the two workers ran when it
    gave up its connections (with several hosts after 2 s, else after 10) may be lost with it."""
    assert [report["close_code"] for report in reports] == [None] * len(reports)
    assert sum(report["twice"] for report in reports) == 0
    assert sum(report["missing"] for report in reports) <= 2


def test_cable_of_one_worker_is_out(site: Spread) -> None:
    reports = go_through(site, WORKER_OUT, LONG_S)
    everybody = reports["server1"] + reports["server2"]
    if site.engine_name == "rabbitmq":  # what it had given to the worker is lost, and told
        assert all(report["is_whole"] or report["close_code"] == 1011 for report in everybody)
        assert sum(report["close_code"] is not None for report in everybody) <= 4
    elif site.engine_name == "cluster":
        assert_nearly_all_came(everybody)
    else:  # what Redis had handed to the worker when its cable went is sent again to the other one
        assert_all_went_on(everybody)
        assert max(report["longest_s"] for report in everybody) < LONG_S


def test_cable_of_the_engine_is_out(site: Spread) -> None:
    reports = go_through(site, ENGINE_OUT, BRIEF_S if site.engine_name == "rabbitmq" else LONG_S)
    everybody = reports["server1"] + reports["server2"]
    if site.engine_name == "rabbitmq":
        assert_all_went_on(everybody)
    else:
        assert_nearly_all_came(everybody)


def test_every_way_to_the_engine_is_slow_and_loses_some(site: Spread) -> None:
    reports = go_through(site, BAD_LINKS, BRIEF_S)
    for name in ("server1", "server2"):
        assert_all_went_on(reports[name])
