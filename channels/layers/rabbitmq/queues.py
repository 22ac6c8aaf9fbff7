"""Messages in queues: how they are put there, and taken out."""

from __future__ import annotations

import collections
import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from channels.layers.entries import Entry
from channels.layers.rabbitmq.counts import BrokerCounts
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.envelope import BrokerEntry, pack_body, read_body
from channels.layers.rabbitmq.notices import Notices, pack_word
from channels.layers.rabbitmq.topology import Topology, is_consumed
from channels.layers.rabbitmq.transport import Session, import_aiormq

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer

logger = logging.getLogger("channels.layers")


class BrokerQueues:
    """The queues of all channels."""

    def __init__(
        self,
        layer: RabbitmqChannelLayer,
        topology: Topology,
        drawers: Drawers,
        notices: Notices,
        counts: BrokerCounts,
    ) -> None:
        self._layer, self._topology, self._drawers = layer, topology, drawers
        self._notices, self._counts = notices, counts
        self._turn = 0
        #: (channel, whether in front) -> how many messages nobody was told of yet.
        self._untold: collections.Counter[tuple[str, bool]] = collections.Counter()
        #: Over which somebody tells of them just now.
        self._telling: Session | None = None
        #: Messages of acknowledged channels that this process has in its hands, by channel.
        self.owned: collections.Counter[str] = collections.Counter()
        #: Set by the engine: keeps what was handed out too often among the dead letters.
        self.bury: Callable[[Session, BrokerEntry, str], Any]

    def is_acknowledged(self, name: str) -> bool:
        return self._layer.get_acknowledgement(name) is not None

    # -- declaring ------------------------------------------------------------------------------

    async def declare(self, session: Session, name: str) -> None:
        """See that the queues of a channel are there."""
        if name in session.declared and not session.declarers:
            return  # nobody waits here who must be let go ahead
        session.declarers += 1
        try:
            async with session.declaring:
                if name not in session.declared:
                    await self._declare(session, name)
        finally:
            session.declarers -= 1

    async def _declare(self, session: Session, name: str) -> None:
        channel = await session.open_channel()
        aiormq = import_aiormq()
        expiry_s, capacity = self._layer.get_expiry(name), self._layer.get_capacity(name)
        durable = self.is_acknowledged(name)
        kind = {"x-queue-type": "quorum"} if durable else {}
        for queue, limit in (
            (self._topology.front(name), None),
            (self._topology.main(name), capacity),
        ):
            arguments = {**self._topology.arguments(name, expiry_s, limit), **kind}
            try:
                await channel.queue_declare(queue, durable=durable, arguments=arguments)
            except aiormq.exceptions.ChannelPreconditionFailed as error:
                logger.warning(
                    "the queue of %s has other limits than CHANNEL_LAYERS says, and keeps them "
                    "until it is deleted: %s",
                    name,
                    error,
                )
                channel = await session.open_channel()
        await channel.queue_bind(self._topology.front(name), self._topology.due, name)
        await channel.close()
        session.declared.add(name)
        async with self._drawers.open(session, "registry") as state:
            state.setdefault("names", {}).setdefault(name, self._layer.clock())

    # -- putting --------------------------------------------------------------------------------

    async def put(
        self,
        session: Session,
        name: str,
        body: bytes,
        *,
        front: bool = False,
        expiration_s: float | None = None,
    ) -> bool:
        """Publish to a channel's main or front queue; return whether there was room."""
        aiormq = import_aiormq()
        queue = self._topology.front(name) if front else self._topology.main(name)
        properties = aiormq.spec.Basic.Properties(
            delivery_mode=2 if self.is_acknowledged(name) else 1,
            expiration=None if expiration_s is None else str(max(int(expiration_s * 1000), 1)),
        )
        for is_last in (False, True):
            await self.declare(session, name)
            try:
                await session.publishing.basic_publish(
                    body, routing_key=queue, properties=properties, mandatory=True, wait=False
                )
            except aiormq.exceptions.PublishError:
                session.declared.discard(name)  # it was not used for long, or flushed
                if is_last:
                    raise
            except aiormq.exceptions.DeliveryError:
                return False
            else:
                break
        if front:
            self._notices.expect_front(name)
        await self._tell(session, name, front)
        return True

    async def _tell(self, session: Session, name: str, front: bool) -> None:
        """Wake those who wait for a channel. For the queue of a process nobody waits: it comes to
        the process by itself. What is to be told while somebody tells goes with his next word."""
        if is_consumed(name):
            return
        self._untold[name, front] += 1
        if self._telling is not session:
            await self.tell_all(session)

    async def tell_all(self, session: Session) -> None:
        """Tell of all that nobody was told of yet: what the connection broke in is told over the
        next one."""
        self._telling = session
        try:
            while self._untold:
                (name, front), count = self._untold.popitem()
                try:
                    await session.telling.basic_publish(
                        pack_word(count, front), exchange=self._topology.wake, routing_key=name
                    )
                except BaseException:
                    self._untold[name, front] += count
                    raise
        finally:
            if self._telling is session:
                self._telling = None

    async def put_late(self, session: Session, name: str, body: bytes, delay_s: float) -> None:
        """Publish what goes to the front of a channel after a while."""
        await self.declare(session, name)
        delay_ms = max(int(delay_s * 1000), 1)
        queue = self._topology.late(name, delay_ms)
        channel = await session.open_channel()
        await channel.queue_declare(queue, arguments=self._topology.late_arguments(name, delay_ms))
        await channel.close()
        await session.publishing.basic_publish(body, routing_key=queue, mandatory=True)
        async with self._drawers.open(session, "registry") as state:
            state.setdefault("late", {})[queue] = self._layer.clock() + delay_s + 60

    async def to_front(self, session: Session, entry: Entry) -> None:
        """Put an entry in front of its channel, for as long as it had left to live."""
        left_s = entry.expires_at - self._layer.clock()
        if left_s <= 0:
            self._counts.add(entry.queue, "expired_count", len(entry.clients))
            return
        body = pack_body(entry.clients, entry.payload, entry.attempts, entry.sent_at)
        await self.put(session, entry.queue, body, front=True, expiration_s=left_s)

    def unparked(self, entry: Entry) -> BrokerEntry:
        """The time it was parked does not count for its expiry."""
        now = self._layer.clock()
        expires_at = now + self._layer.get_expiry(entry.queue)
        return BrokerEntry(
            entry.queue, entry.clients, entry.payload, now, expires_at, entry.attempts
        )

    async def has_room(self, session: Session, name: str) -> bool:
        """Quorum queues refuse what is too much a little late: they are asked first."""
        if not self.is_acknowledged(name):
            return True
        found = await session.count(self._topology.main(name))
        return found is None or found[0] < self._layer.get_capacity(name)

    # -- taking ---------------------------------------------------------------------------------

    async def take(
        self, session: Session, channels: Sequence[str], *, is_owned: bool, only_hinted: bool
    ) -> BrokerEntry | None:
        """Take the next entry, for one client, beginning with another channel each time."""
        self._turn += 1
        first = self._turn % len(channels)
        ordered = [*channels[first:], *channels[:first]]
        hinted = [name for name in ordered if self._notices.has_hint(name)]
        for name in hinted if only_hinted else dict.fromkeys([*hinted, *ordered]):
            entry = await self._get(session, name, is_owned, only_hinted)
            if entry is not None:
                return entry
        return None

    async def _get(
        self, session: Session, name: str, is_owned: bool, only_hinted: bool
    ) -> BrokerEntry | None:
        must_ack = is_owned and self.is_acknowledged(name)
        told_count = self._notices.told_count(name)
        if not only_hinted or self._notices.has_front(name):
            message = await self._get_from(session, name, self._topology.front(name), must_ack)
            if message is not None:
                self._notices.note_taken(name, message.delivery.message_count, from_front=True)
                return await self._read(session, name, message, must_ack)
            self._notices.note_empty(name, told_count, front_only=True)
        message = await self._get_from(session, name, self._topology.main(name), must_ack)
        if message is not None:
            self._notices.note_taken(name, message.delivery.message_count, from_front=False)
            return await self._read(session, name, message, must_ack)
        self._notices.note_empty(name, told_count, front_only=False)
        return None

    async def _get_from(self, session: Session, name: str, queue: str, must_ack: bool) -> Any:
        """The first message of a queue, or None."""
        aiormq = import_aiormq()
        for is_last in (False, True):
            await self.declare(session, name)
            channel = session.owning if must_ack else session.getting
            try:
                message = await channel.basic_get(queue, no_ack=not must_ack)
            except aiormq.exceptions.ChannelNotFoundEntity:
                session.declared.discard(name)
                await session.renew("owning" if must_ack else "getting", channel)
                if is_last:
                    raise
            else:
                return message if message.delivery.name == "Basic.GetOk" else None
        return None

    async def _read(
        self, session: Session, name: str, message: Any, must_ack: bool
    ) -> BrokerEntry | None:
        entry = self.read_body(name, message.body)
        headers = message.header.properties.headers or {}
        entry.deliveries = int(headers.get("x-delivery-count", 0))
        if must_ack:
            entry.channel_and_tag = (message.channel, message.delivery.delivery_tag)
            self.owned[name] += 1
            settings: Any = self._layer.get_acknowledgement(name)
            if entry.deliveries >= settings.max_deliveries:
                await self.bury(session, entry, f"its workers died {entry.deliveries} times")
                await self.acknowledge(entry)
                return None
        if len(entry.clients) > 1:
            rest = dataclasses.replace(entry, clients=entry.clients[1:])
            await self.to_front(session, rest)
            entry = dataclasses.replace(entry, clients=entry.clients[:1])
        return entry

    async def consume(
        self, session: Session, name: str, take: Callable[[BrokerEntry], None]
    ) -> Any:
        """Have `take(entry)` called for all that comes for a process, in the transport's loop;
        return the AMQP channel over which it comes."""

        async def read(message: Any) -> None:
            take(self.read_body(name, message.body))

        await self.declare(session, name)
        channel = await session.open_channel()
        for queue in (self._topology.front(name), self._topology.main(name)):
            await channel.basic_consume(queue, read, no_ack=True)
        return channel

    def read_body(self, name: str, body: bytes) -> BrokerEntry:
        """The entry in the body of a message of a channel's queue."""
        return read_body(name, body, self._layer.get_expiry(name))

    async def acknowledge(self, entry: Any) -> None:
        """Let go of a message that a worker has had."""
        place = getattr(entry, "channel_and_tag", None)
        if place is not None and not place[0].is_closed:
            entry.channel_and_tag = None
            self.owned[entry.queue] -= 1
            await place[0].basic_ack(place[1])
