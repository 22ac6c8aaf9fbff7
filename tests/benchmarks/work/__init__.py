"""The work that contenders do: each kind in its own module, all of it listed here."""

from tests.benchmarks.work import background, http, idle, redis, restart, sockets
from tests.benchmarks.work.definition import Pace, Work

__all__ = ["Pace", "Work", "all_work"]


def all_work():
    """Return {name: Work}, in the order in which it is done and reported."""
    parts = (http.WORK, sockets.WORK, background.WORK, idle.WORK, restart.WORK, redis.WORK)
    return {work.name: work for part in parts for work in part}
