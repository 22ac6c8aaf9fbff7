"""Everything that clients do."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.checker.history import History
from tests.faults.checker.traffic.outside import Outside
from tests.faults.checker.traffic.sockets import Talk
from tests.faults.checker.traffic.visitors import Visitors

Address = tuple[str, int]
#: How many sockets of each kind are open at a time, or try to be.
MIX = {"ordered": 4, "async": 3, "sync": 2, "async-kept": 3, "sync-kept": 1}


class Traffic:
    """Clients of a site, from `start` to `stop`.

    Args:
        history: where everything is noted down.
        chance: decides who does what.
        layer: the channel layer, for those who send from outside.
        servers: gives the addresses to go to.
    """

    def __init__(
        self,
        history: History,
        chance: random.Random,
        layer: Any,
        servers: Callable[[], Sequence[Address]],
    ) -> None:
        self._is_over = threading.Event()
        self._talk = Talk(history, chance, servers, self._is_over)
        self._visitors = Visitors(history, chance, servers, self._is_over)
        self._outside = Outside(history, layer, self._is_over)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        begin = asyncio.get_running_loop().create_task
        self._tasks = [
            begin(self._talk.live_forever(kind)) for kind in MIX for _ in range(MIX[kind])
        ]
        self._tasks += [begin(self._visitors.visit_forever()), begin(self._visitors.read_forever())]
        self._outside.start()

    def reconnect(self) -> None:
        """Have every socket's client leave, and come again."""
        self._talk.reconnect()

    async def stop(self) -> None:
        """Let everybody finish what they are at."""
        self._is_over.set()
        await asyncio.gather(*self._tasks)
        await asyncio.to_thread(self._outside.join)
