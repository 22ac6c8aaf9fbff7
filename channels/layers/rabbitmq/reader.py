"""How a party waits for a message; what a worker thread reads with."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from channels.layers import operations as ops
from channels.layers.contract import Reader
from channels.layers.rabbitmq.engine import BrokerEntry, Engine

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer

#: Whoever waits looks into every queue again after so many seconds, whatever was told.
LOOK_AGAIN_S = 5.0


async def receive(
    engine: Engine,
    channels: Sequence[str],
    block_s: float | None,
    called_off: threading.Event | None = None,
    is_owned: bool = False,
    event: asyncio.Event | None = None,
) -> BrokerEntry | None:
    """Take a message, waiting for `block_s` seconds (None: for ever), or until `called_off` is set
    and `event` too, which ends a sleep."""
    deadline = None if block_s is None else time.monotonic() + block_s
    event = event or asyncio.Event()
    only_hinted, look_all_at = False, 0.0

    async def take(session: Any) -> BrokerEntry | None:
        return await engine.take(session, channels, is_owned=is_owned, only_hinted=only_hinted)

    if block_s == 0.0:
        found: BrokerEntry | None = await engine.run(take)
        return found
    engine.ears.add_waiter(channels, event)
    try:
        while True:
            event.clear()
            await engine.run(lambda session: engine.ears.listen(session, channels))
            only_hinted = time.monotonic() < look_all_at
            found = await engine.run(take)
            if not only_hinted:
                look_all_at = time.monotonic() + LOOK_AGAIN_S
            if found is not None or (called_off is not None and called_off.is_set()):
                return found
            left_s = LOOK_AGAIN_S if deadline is None else deadline - time.monotonic()
            if left_s <= 0:
                return None
            await _wait(event, min(left_s, LOOK_AGAIN_S))
    finally:
        engine.ears.remove_waiter(channels, event)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait([waiting], timeout=timeout_s)
    waiting.cancel()


class RabbitmqReader(Reader):
    """One worker thread's way to its messages."""

    def __init__(self, layer: RabbitmqChannelLayer, channels: Sequence[str]) -> None:
        self._layer, self._engine = layer, layer.engine
        self._channels = channels
        self._interrupted = threading.Event()
        self._event: asyncio.Event | None = None

    def take(
        self, operations: Sequence[Any] = (), block_s: float = 0.0
    ) -> tuple[list[Any], ops.Delivery | None]:
        results, entry = self._engine.transport.run(self._take(operations, block_s))
        return self._layer.results(results), self._layer.delivery(entry)

    async def _take(
        self, operations: Sequence[Any], block_s: float
    ) -> tuple[list[Any], BrokerEntry | None]:
        results = await self._engine.apply(operations) if operations else []
        if any(result is not None for result in results):
            block_s = 0.0
        self._event = asyncio.Event()
        try:
            entry = await receive(
                self._engine,
                self._channels,
                block_s,
                self._interrupted,
                is_owned=True,
                event=self._event,
            )
        finally:
            self._interrupted.clear()
        return results, entry

    def interrupt(self) -> None:
        self._interrupted.set()
        event = self._event
        if event is not None:
            self._engine.transport.loop().call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Nothing is open but what the layer has."""
