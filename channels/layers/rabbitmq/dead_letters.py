"""Dead letters: messages that were given up, in a durable queue of each channel."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import msgpack

from channels.layers.entries import Entry
from channels.layers.names import random_suffix
from channels.layers.rabbitmq.counts import BrokerCounts
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.envelope import pack_body
from channels.layers.rabbitmq.queues import BrokerQueues
from channels.layers.rabbitmq.topology import Topology
from channels.layers.rabbitmq.transport import Session, import_aiormq

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer

#: What a dead letter says that nobody took in time.
EXPIRED = "it expired unread"


class BrokerDeadLetters:
    """Dead letters, and what RabbitMQ has put aside as expired."""

    def __init__(
        self,
        layer: RabbitmqChannelLayer,
        topology: Topology,
        drawers: Drawers,
        queues: BrokerQueues,
        counts: BrokerCounts,
    ) -> None:
        self._layer, self._topology, self._drawers = layer, topology, drawers
        self._queues, self._counts = queues, counts

    async def keep(self, session: Session, entry: Entry, reason: str) -> None:
        """Keep an entry among the dead letters."""
        queue = self._topology.dead(entry.queue)
        channel = await session.open_channel()
        await channel.queue_declare(queue, durable=True, arguments=self._topology.dead_arguments())
        await channel.close()
        now = self._layer.clock()
        letter = [
            random_suffix(),
            now,
            reason,
            entry.attempts,
            " ".join(entry.clients),
            entry.payload,
        ]
        properties = import_aiormq().spec.Basic.Properties(delivery_mode=2)
        await session.publishing.basic_publish(
            msgpack.packb(letter), routing_key=queue, properties=properties
        )
        async with self._drawers.open(session, "registry") as state:
            state.setdefault("names", {}).setdefault(entry.queue, now)
        self._counts.add(entry.queue, "dead_letter_count")

    async def collect_expired(self, session: Session) -> None:
        """Count what RabbitMQ has put aside as expired; of acknowledged channels it is kept."""
        while True:
            message = await session.getting.basic_get(self._topology.expired, no_ack=True)
            if message.delivery.name != "Basic.GetOk":
                return
            deaths = (message.header.properties.headers or {}).get("x-death") or [{}]
            queue = deaths[0].get("queue", "")
            if not queue.startswith(self._topology.prefix) or deaths[0].get("reason") != "expired":
                continue
            name = self._topology.name_of(queue)
            entry = self._queues.read_body(name, message.body)
            self._counts.add(name, "expired_count", len(entry.clients))
            self._layer.tell_expired(name, len(entry.clients))
            if self._queues.is_acknowledged(name):
                await self.keep(session, entry, EXPIRED)

    async def known_names(self, session: Session) -> list[str]:
        """The names of the channels that have, or had, queues."""
        async with self._drawers.open(session, "registry") as state:
            return sorted(state.get("names", {}))

    async def channels(self, session: Session) -> list[str]:
        """The sorted names of the channels that have dead letters."""
        found = []
        for name in await self.known_names(session):
            count = await session.count(self._topology.dead(name))
            if count is not None and count[0]:
                found.append(name)
        return found

    async def letters(
        self, session: Session, name: str, chosen: Callable[[str], bool] | None = None
    ) -> list[list[Any]]:
        """All dead letters of a channel, oldest first; those that are `chosen` are taken out."""
        await self.collect_expired(session)
        if await session.count(self._topology.dead(name)) is None:
            return []
        channel, letters = await session.open_channel(), []
        while True:
            message = await channel.basic_get(self._topology.dead(name))
            if message.delivery.name != "Basic.GetOk":
                break
            letter = msgpack.unpackb(message.body, raw=False)
            if chosen is None:
                letters.append(letter)
            elif chosen(letter[0]):
                letters.append(letter)
                await channel.basic_ack(message.delivery.delivery_tag)
        await channel.close()  # what was not taken out goes back to where it was
        return letters

    async def take_out(
        self, session: Session, name: str, ids: Collection[str] | None
    ) -> list[list[Any]]:
        """Take out those with these ids, or all."""
        return await self.letters(session, name, lambda one: ids is None or one in ids)

    async def replay(self, session: Session, name: str, ids: Collection[str] | None) -> int:
        """Send them again; return their number."""
        letters = await self.take_out(session, name, ids)
        for _, _, _, _, clients, payload in letters:
            body = pack_body([clients], payload, 0, self._layer.clock())
            await self._queues.put(session, name, body, front=True)
            self._counts.add(name, "messages_count")
        return len(letters)
