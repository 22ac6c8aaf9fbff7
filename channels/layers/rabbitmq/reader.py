"""How a party waits for a message; what a worker thread reads with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.contract import Reader
from channels.layers.rabbitmq.engine import Engine
from channels.layers.rabbitmq.envelope import BrokerEntry
from channels.layers.rabbitmq.topology import is_consumed
from channels.layers.rabbitmq.transport import Session

if TYPE_CHECKING:
    from channels.layers.operations import Operation
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer

#: Whoever waits looks into every queue again after so many seconds, whatever was told: the process
#: that sent a message may have died before it told of it.
LOOK_AGAIN_S = 20.0
#: The same if one of them is acknowledged: RabbitMQ does not tell what it takes back of the dead.
LOOK_AGAIN_OF_ACKNOWLEDGED_S = 5.0
#: The same for the queue of a process, of which nothing is told. Links consume theirs; only what
#: calls `receive` for such a channel waits like this.
LOOK_AGAIN_OF_PROCESS_S = 0.05
#: Operations beside which a message may be fetched: nothing of them is to be found again.
APART = (ops.Send, ops.SendGroup, ops.Done, ops.Drop, ops.SaveSession)


class Seeker:
    """One party that takes from some channels. All but its making happens in the transport's loop.

    It looks into every queue now and then, and in between only where it was told of something new.
    """

    def __init__(self, engine: Engine, channels: Sequence[str], *, is_owned: bool = False) -> None:
        self._engine, self._channels, self._is_owned = engine, channels, is_owned
        if any(map(is_consumed, channels)):
            self._look_again_s = LOOK_AGAIN_OF_PROCESS_S
        elif any(map(engine.queues.is_acknowledged, channels)):
            self._look_again_s = LOOK_AGAIN_OF_ACKNOWLEDGED_S
        else:
            self._look_again_s = LOOK_AGAIN_S
        self._look_everywhere_at = 0.0
        #: Whether the last look at everything has found something: it ended there.
        self._may_be_more = False
        self._session: Session | None = None
        self._event: asyncio.Event | None = None
        self._is_called_off = False

    async def look(self) -> BrokerEntry | None:
        """Take what is there."""
        if time.monotonic() >= self._look_everywhere_at:
            return await self.look_everywhere()
        entry = await self._take(only_hinted=True)
        if entry is None and self._may_be_more:
            entry = await self.look_everywhere()
        return entry

    async def look_everywhere(self) -> BrokerEntry | None:
        """Take what is there, whether it was told of or not."""
        return await self._take(only_hinted=False)

    async def _take(self, only_hinted: bool) -> BrokerEntry | None:
        async def take(session: Session) -> BrokerEntry | None:
            only_told = only_hinted
            if self._session is not session:  # what was told meanwhile is not known
                only_told = False
                await self._engine.notices.listen(session, self._channels)
            entry = await self._engine.queues.take(
                session, self._channels, is_owned=self._is_owned, only_hinted=only_told
            )
            self._session = session
            if not only_told:
                self._may_be_more = entry is not None
                self._look_everywhere_at = time.monotonic() + self._look_again_s
            return entry

        entry: BrokerEntry | None = await self._engine.run(take)
        return entry

    async def wait(self, block_s: float | None) -> BrokerEntry | None:
        """Take a message, waiting for `block_s` seconds (None: for ever), or until it is called
        off."""
        deadline = None if block_s is None else time.monotonic() + block_s
        event = self._event = asyncio.Event()
        self._engine.notices.add_waiter(self._channels, event)
        try:
            while True:
                event.clear()
                entry = await self.look()
                if entry is not None or self._is_called_off:
                    return entry
                left_s = self._look_again_s if deadline is None else deadline - time.monotonic()
                if left_s <= 0:
                    return None
                await _wait(event, min(left_s, self._look_again_s))
        finally:
            self._event, self._is_called_off = None, False
            self._engine.notices.remove_waiter(self._channels, event)

    def call_off(self) -> None:
        """Let a `wait` return soon; if none has begun yet, the next one."""
        self._is_called_off = True
        if self._event is not None:
            self._event.set()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait([waiting], timeout=timeout_s)
    waiting.cancel()


class RabbitmqReader(Reader):
    """One worker thread's way to its messages."""

    def __init__(self, layer: RabbitmqChannelLayer, channels: Sequence[str]) -> None:
        self._layer, self._engine = layer, layer.engine
        self._channels = frozenset(channels)
        self._seeker = Seeker(layer.engine, channels, is_owned=True)

    def take(
        self, operations: Sequence[Any] = (), block_s: float = 0.0
    ) -> tuple[list[Any], ops.Delivery | None]:
        results, entry = self._engine.transport.run(self._take(operations, block_s))
        return self._layer.results(results), self._layer.delivery(entry)

    async def _take(
        self, operations: Sequence[Any], block_s: float
    ) -> tuple[list[Any], BrokerEntry | None]:
        results, entry = await self._apply(operations)
        if entry is not None:
            return results, entry
        if block_s <= 0 or any(result is not None for result in results):
            return results, await self._seeker.look_everywhere()
        return results, await self._seeker.wait(block_s)

    async def _apply(self, operations: Sequence[Any]) -> tuple[list[Any], BrokerEntry | None]:
        """Carry out operations, and meanwhile look for a message, if neither has to do with the
        other."""
        if not operations:
            return [], None
        if not all(self._stands_apart(operation) for operation in operations):
            return await self._engine.apply(operations), None
        looking = asyncio.ensure_future(self._seeker.look())
        try:
            results = await self._engine.apply(operations)
        except BaseException:
            await self._give_back(looking)
            raise
        return results, await looking

    def _stands_apart(self, operation: Operation) -> bool:
        if isinstance(operation, ops.Send):
            return names.queue_name(operation.channel) not in self._channels
        return isinstance(operation, APART)

    async def _give_back(self, looking: asyncio.Future[BrokerEntry | None]) -> None:
        try:
            entry = await looking
            if entry is not None:
                await self._engine.run(self._layer.steps.put_back(entry))
        except LayerUnavailable:
            return  # the broker puts back what it can

    def interrupt(self) -> None:
        self._engine.transport.loop().call_soon_threadsafe(self._seeker.call_off)

    def close(self) -> None:
        """Nothing is open but what the layer has."""
