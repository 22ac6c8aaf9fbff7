"""Sessions, and the order of each socket's messages; both lie in the drawer of the socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from channels.layers import operations as ops
from channels.layers.entries import Entry
from channels.layers.memory.sockets import DISCONNECT
from channels.layers.rabbitmq import sockets
from channels.layers.rabbitmq.counts import BrokerCounts
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.envelope import BrokerEntry
from channels.layers.rabbitmq.queues import BrokerQueues
from channels.layers.rabbitmq.transport import Session

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer


class BrokerSockets:
    """What is kept of sockets."""

    def __init__(
        self,
        layer: RabbitmqChannelLayer,
        drawers: Drawers,
        queues: BrokerQueues,
        counts: BrokerCounts,
    ) -> None:
        self._layer, self._drawers, self._queues, self._counts = layer, drawers, queues, counts

    # -- sessions -------------------------------------------------------------------------------

    async def save_session(self, session: Session, operation: ops.SaveSession) -> None:
        channel = operation.reply_channel
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            if sockets.is_forgotten(state, channel, self._layer.clock()):
                return
            record = sockets.record_of(state, channel)
            kept = record.setdefault("session", {})
            for key in operation.removed:
                kept.pop(key, None)
            kept.update(operation.changed)
            record["touched"] = self._layer.clock()

    async def load_session(self, session: Session, channel: str) -> dict[str, bytes]:
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            return dict(state.get(channel, {}).get("session", {}))

    async def forget(self, session: Session, operation: ops.ForgetSocket) -> None:
        channel = operation.reply_channel
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            parked = sockets.forget(state, channel, self._layer.clock())
        for entry in parked:
            self._counts.add(entry.queue, "dropped_count", len(entry.clients))

    # -- order ----------------------------------------------------------------------------------

    async def begin(
        self, session: Session, entry: Entry, channel: str, number: int, owner: str
    ) -> ops.Turn:
        """The Turn of a delivery; see BaseChannelLayer.begin_ordered."""
        turn, parked = await self._decide(session, entry, channel, number, owner)
        if turn in (ops.Turn.STALE, ops.Turn.OVERFLOW):
            self._counts.add(entry.queue, "dropped_count", len(entry.clients))
        await self.release_parked(session, parked)
        if turn is not ops.Turn.RUN:
            await self._queues.acknowledge(entry)
        return turn

    async def _decide(
        self, session: Session, entry: Entry, channel: str, number: int, owner: str
    ) -> tuple[ops.Turn, list[Entry]]:
        """The Turn, and what was parked by a socket that is given up."""
        now = self._layer.clock()
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            if sockets.is_forgotten(state, channel, now):
                return ops.Turn.STALE, []
            record = sockets.record_of(state, channel)
            order = sockets.KeptOrder(record, number)
            turn = order.begin(number, entry, now)
            if turn is ops.Turn.RUN:
                order.owner = owner
            parked = order.give_up() if turn is ops.Turn.OVERFLOW else []
            order.save()
            record["touched"] = now
        return turn, parked

    async def release_parked(self, session: Session, parked: Sequence[Entry]) -> bool:
        """Drop what a socket that is given up had parked, but for its disconnect. Returns whether
        that was among it."""
        has_disconnect = False
        for entry in parked:
            if entry.queue == DISCONNECT:
                has_disconnect = True
                await self._queues.to_front(session, self._queues.unparked(entry))
            else:
                self._counts.add(entry.queue, "dropped_count", len(entry.clients))
        return has_disconnect

    async def finish(self, session: Session, operation: ops.FinishOrdered) -> BrokerEntry | None:
        channel = operation.reply_channel
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            record = state.get(channel, {})
            if "order" not in record:
                return None
            order = sockets.KeptOrder(record, 0)
            freed = order.finish(operation.order, self._layer.clock())
            order.save()
        return None if freed is None else self._queues.unparked(freed)

    async def release(self, session: Session, operation: ops.ReleaseOrdered) -> None:
        channel = operation.reply_channel
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            record = state.get(channel, {})
            if "order" in record:
                order = sockets.KeptOrder(record, 0)
                order.release(operation.order, self._layer.clock())
                order.owner = None
                order.save()
