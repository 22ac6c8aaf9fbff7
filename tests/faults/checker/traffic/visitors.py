"""Clients of pages: one asks all the time, others read a large page slowly."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Sequence

from tests.faults.checker.history import History
from tests.faults.clients import http

#: A request comes so often; a slow reader comes so often.
ASK_EVERY_S, READ_EVERY_S = 0.1, (2.0, 6.0)
#: The large page, its size, and how fast it is read, in bytes a second.
LARGE_PAGE, LARGE_BYTES, RATE = "/stream/8/0", 8 * 65_536, (50_000, 400_000)


class Visitors:
    """Make requests until `is_over`."""

    def __init__(
        self,
        history: History,
        chance: random.Random,
        servers: Callable[[], Sequence[tuple[str, int]]],
        is_over: threading.Event,
    ) -> None:
        self._history, self._chance, self._is_over = history, chance, is_over
        self._servers = servers

    async def visit_forever(self) -> None:
        """Ask for the front page all the time, whether the last one has been answered or not."""
        asking: set[asyncio.Task[None]] = set()
        while not self._is_over.is_set():
            task = asyncio.get_running_loop().create_task(self._ask())
            asking.add(task)
            task.add_done_callback(asking.discard)
            await asyncio.sleep(ASK_EVERY_S)
        await asyncio.gather(*asking)

    async def _ask(self) -> None:
        begun = time.monotonic()
        event = self._history.note("asked", status=None, took_s=0.0)
        address = self._chance.choice(self._servers())
        status: int | str
        try:
            status = (await http.fetch(address, "/", limit_s=150)).status
        except (OSError, asyncio.TimeoutError) as error:
            status = type(error).__name__
        event.update(status=status, took_s=round(time.monotonic() - begun, 3))

    async def read_forever(self) -> None:
        """Read the large page slowly, one time after the other."""
        while not self._is_over.is_set():
            await self._read()
            await asyncio.sleep(self._chance.uniform(*READ_EVERY_S))

    async def _read(self) -> None:
        begun, rate = time.monotonic(), self._chance.uniform(*RATE)
        event = self._history.note("read", status=None, bytes=0, wanted=LARGE_BYTES, took_s=0.0)
        try:
            await asyncio.wait_for(self._read_at(rate, event), 150)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
            event["status"] = type(error).__name__
        event["took_s"] = round(time.monotonic() - begun, 3)

    async def _read_at(self, rate: float, event: dict[str, object]) -> None:
        address = self._chance.choice(self._servers())
        exchange = await http.begin(address, LARGE_PAGE, buffer=16_384)
        try:
            event["status"] = await exchange.read_head()
            size = 0
            async for part in exchange.parts():
                size += len(part)
                event["bytes"] = size
                await asyncio.sleep(len(part) / rate)
        finally:
            exchange.vanish()
