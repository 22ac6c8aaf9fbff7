"""A scenario: what is done to a whole site, with small numbers for CI and with the promise's."""

import asyncio
import dataclasses
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from tests.faults.site import Site

#: Seconds that a short form may take before it counts as hung.
SHORT_LIMIT_S = 100.0

_scenarios = []


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One scenario.

    `run(site, numbers)` is a coroutine function that returns a Result; `short` and `full` are its
    numbers, instances of one frozen dataclass. `host` is the host server it runs on.
    """

    rows: tuple[int, ...]
    run: Callable
    short: Any
    full: Any
    host: str

    @property
    def name(self):
        """Its test's name: its rows, what happens, and the host server if that is not the usual."""
        suffix = "" if self.host == "daphne" else f"-{self.host}"
        rows = "-".join(f"{row:02}" for row in self.rows)
        return f"{rows}-{self.run.__name__}{suffix}"

    def execute(self, *, full=False):
        """Run it on a site of its own; return its Result."""
        return asyncio.run(self._execute(full))

    async def _execute(self, full):
        async with Site(self.host) as site:
            if full:
                return await self.run(site, self.full)
            return await asyncio.wait_for(self.run(site, self.short), SHORT_LIMIT_S)


def scenario(*rows, hosts=("daphne",), **numbers):
    """Decorate a coroutine function `(site, numbers) -> Result` to be the scenario of `rows`.

    Each of `numbers` is a pair: its value in the short form, and in the full one.
    """
    kind = dataclasses.make_dataclass("Numbers", numbers, frozen=True)
    short, full = (kind(*values) for values in zip(*numbers.values(), strict=True))

    def register(run):
        _scenarios.extend(Scenario(rows, run, short, full, host) for host in hosts)
        return run

    return register


def all_scenarios():
    """Return every Scenario, by row."""
    from tests.faults import scenarios

    for module in pkgutil.iter_modules(scenarios.__path__):
        importlib.import_module(f"{scenarios.__name__}.{module.name}")
    return sorted(_scenarios, key=lambda one: (one.rows, one.run.__name__, one.host))
