"""What happens between machines, and what clients see of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.machines.site import Spread

#: Server -> what each of its clients reports.
Reports = dict[str, list[dict[str, Any]]]

#: Seconds of talk before the trouble, and after it.
BEFORE_S, AFTER_S = 1.5, 2.5


@dataclass(frozen=True)
class Trouble:
    """Something that begins and ends; `of` is the server whose clients feel it, if only they do."""

    name: str
    begin: Callable[[Spread], None]
    end: Callable[[Spread], None]
    of: str | None = None
    #: How many clients each server has, and how often each of them speaks.
    sockets: int = 10
    every_s: float = 0.2


def unplugged(machine: str, name: str, of: str | None = None) -> Trouble:
    return Trouble(
        name,
        lambda site: site.network.unplug(machine),
        lambda site: site.network.plug(machine),
        of,
    )


SERVER_OUT = unplugged("server2", "the cable of one server is out", "server2")
WORKER_OUT = unplugged("worker2", "the cable of one worker is out")
ENGINE_OUT = unplugged("engine", "the cable of the engine is out")
ONE_WAY = Trouble(
    "what one server sends to the engine is lost",
    lambda site: site.network.lose_way("server2", "engine"),
    lambda site: site.network.find_way("server2", "engine"),
    "server2",
)
BAD_LINKS = Trouble(
    "every way to the engine takes 100 ms longer, and loses 5 %",
    lambda site: site.worsen_links(),
    lambda site: site.mend_links(),
    sockets=3,
    every_s=1.0,
)
TROUBLES = [SERVER_OUT, WORKER_OUT, ENGINE_OUT, ONE_WAY, BAD_LINKS]


def go_through(site: Spread, trouble: Trouble, trouble_s: float) -> Reports:
    """Let clients talk before, during and after a trouble; return their reports."""
    clients = site.start_clients(
        for_s=BEFORE_S + trouble_s + AFTER_S, sockets=trouble.sockets, every_s=trouble.every_s
    )
    time.sleep(BEFORE_S)  # the trouble is to meet a conversation that has begun
    trouble.begin(site)
    try:
        time.sleep(trouble_s)
    finally:
        trouble.end(site)
    return site.reports(clients, limit_s=trouble_s + 80.0)
