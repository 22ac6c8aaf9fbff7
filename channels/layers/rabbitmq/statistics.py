"""The statistics of channels: what was counted, and what waits just now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.layers.memory.queues import COUNTED, RATE_WINDOW_S
from channels.layers.rabbitmq.counts import BrokerCounts, Kept, turn_rate
from channels.layers.rabbitmq.dead_letters import BrokerDeadLetters
from channels.layers.rabbitmq.envelope import read_sent_at
from channels.layers.rabbitmq.topology import Topology
from channels.layers.rabbitmq.transport import Session

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer


class BrokerStatistics:
    """See BaseChannelLayer.channel_statistics."""

    def __init__(
        self,
        layer: RabbitmqChannelLayer,
        topology: Topology,
        counts: BrokerCounts,
        dead_letters: BrokerDeadLetters,
    ) -> None:
        self._layer, self._topology = layer, topology
        self._counts, self._dead_letters = counts, dead_letters

    async def write(self, session: Session) -> dict[str, Kept]:
        """Write down what was counted, with what has expired; return what all have counted."""
        await self._dead_letters.collect_expired(session)
        return await self._counts.write(session)

    async def channel(self, session: Session, name: str) -> dict[str, Any]:
        return await self._read(session, name, (await self.write(session)).get(name, {}))

    async def everything(self, session: Session) -> dict[str, Any]:
        counts = await self.write(session)
        every = [
            await self._read(session, name, counts.get(name, {}))
            for name in {*counts, *await self._dead_letters.known_names(session)}
        ]
        total: dict[str, Any] = await self._read(session, "", {})
        for key in total:
            found = [statistics[key] for statistics in every]
            total[key] = max(found, default=0.0) if key.endswith("max_age") else sum(found)
        return total

    async def _read(self, session: Session, name: str, kept: Kept) -> dict[str, Any]:
        now, pending, oldest = self._layer.clock(), 0, None
        for queue in (self._topology.front(name), self._topology.main(name)):
            found = await session.count(queue)
            if found is not None and found[0]:
                pending += found[0]
                sent_at = await self._peek_sent_at(session, queue)
                oldest = sent_at if oldest is None else min(oldest, sent_at or oldest)
        kept = {**kept}
        turn_rate(kept, now)
        left = 1 - (now - kept["rate_began"]) / RATE_WINDOW_S
        return {
            **{key: int(kept.get(key, 0)) for key in COUNTED},
            "messages_count_per_second": (kept["rate_before"] * left + kept["rate_now"])
            / RATE_WINDOW_S,
            "messages_pending": pending,
            "messages_max_age": 0.0 if oldest is None else max(now - oldest, 0.0),
        }

    async def _peek_sent_at(self, session: Session, queue: str) -> float | None:
        message = await session.drawing.basic_get(queue)
        if message.delivery.name != "Basic.GetOk":
            return None
        await session.drawing.basic_nack(message.delivery.delivery_tag, requeue=True)
        return read_sent_at(message.body)
