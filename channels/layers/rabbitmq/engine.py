"""What operations do, as coroutines in the loop of the transport."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgpack

from channels.exceptions import ChannelFull, ClientBusy, ClientGone, LayerUnavailable
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.counts import tell_carried_out, tell_lost
from channels.layers.memory.queues import COUNTED, RATE_WINDOW_S, Entry
from channels.layers.memory.sockets import DISCONNECT
from channels.layers.names import random_suffix
from channels.layers.rabbitmq import sockets
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.ears import Ears
from channels.layers.rabbitmq.topology import Topology
from channels.layers.rabbitmq.transport import Session, Transport, import_aiormq
from channels.layers.trouble import Trouble
from channels.metrics import hooks

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer

logger = logging.getLogger("channels.layers")

#: What a dead letter says that nobody took in time.
EXPIRED = "it expired unread"


@dataclasses.dataclass(eq=False, slots=True)
class BrokerEntry(Entry):
    """An Entry as it came out of a queue."""

    #: The AMQP channel and tag by which it is acknowledged; None if it was taken for good.
    channel_and_tag: tuple[Any, int] | None = None
    deliveries: int = 0


class Engine:
    """Queues, groups, servers and sockets of one layer."""

    def __init__(self, layer: RabbitmqChannelLayer, topology: Topology, drawers: Drawers) -> None:
        self.layer, self.topology, self.drawers = layer, topology, drawers
        self.clock = time.time
        self.transport = Transport(layer.url, self._open)
        self.ears = Ears(topology)
        self._trouble = Trouble(f"RabbitMQ at {self.transport.name}")
        self._counts: dict[str, collections.Counter[str]] = {}
        self._turn = 0

    async def _open(self, session: Session) -> None:
        """What is done over each new connection, first of all."""
        await self.drawers.found(session)
        await self.ears.open(session)

    async def run(self, function: Callable[[Session], Awaitable[Any]]) -> Any:
        """Await `function(session)`. Raises LayerUnavailable, which is told."""
        try:
            result = await self._run(function)
        except LayerUnavailable as error:
            self._trouble.note(error)
            raise
        if self._trouble.is_on:
            self._trouble.note_success()
        return result

    async def _run(self, function: Callable[[Session], Awaitable[Any]]) -> Any:
        aiormq = import_aiormq()
        session = await self.transport.session()
        started = time.perf_counter()
        try:
            result = await function(session)
            hooks.meter.round_trip(time.perf_counter() - started)
            return result
        except (aiormq.exceptions.AMQPError, OSError, asyncio.TimeoutError) as error:
            if isinstance(error, LayerUnavailable):
                raise
            raise self.transport.lost(error) from error

    # -- queues ---------------------------------------------------------------------------------

    def is_acknowledged(self, name: str) -> bool:
        return self.layer.get_acknowledgement(name) is not None

    async def declare(self, session: Session, name: str) -> None:
        """See that the queues of a channel are there."""
        async with session.declaring:
            if name not in session.declared:
                await self._declare(session, name)

    async def _declare(self, session: Session, name: str) -> None:
        channel = await session.open_channel()
        aiormq = import_aiormq()
        expiry_s, capacity = self.layer.get_expiry(name), self.layer.get_capacity(name)
        durable = self.is_acknowledged(name)
        kind = {"x-queue-type": "quorum"} if durable else {}
        for queue, limit in (
            (self.topology.front(name), None),
            (self.topology.main(name), capacity),
        ):
            arguments = {**self.topology.arguments(name, expiry_s, limit), **kind}
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
        await channel.queue_bind(self.topology.front(name), self.topology.due, name)
        await channel.close()
        session.declared.add(name)
        async with self.drawers.open(session, "registry") as state:
            state.setdefault("names", {}).setdefault(name, self.clock())

    def _pack(self, clients: Iterable[str], payload: bytes, attempts: int, sent_at: float) -> bytes:
        packed: bytes = msgpack.packb([" ".join(clients), attempts, sent_at, payload])
        return packed

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
        queue = self.topology.front(name) if front else self.topology.main(name)
        properties = aiormq.spec.Basic.Properties(
            delivery_mode=2 if self.is_acknowledged(name) else 1,
            expiration=None if expiration_s is None else str(max(int(expiration_s * 1000), 1)),
        )
        for is_last in (False, True):
            await self.declare(session, name)
            try:
                await session.publishing.basic_publish(
                    body, routing_key=queue, properties=properties, mandatory=True
                )
            except aiormq.exceptions.PublishError:
                session.declared.discard(name)  # it was not used for long, or flushed
                if is_last:
                    raise
            except aiormq.exceptions.DeliveryError:
                return False
            else:
                break
        await self.tell(session, name)
        return True

    async def tell(self, session: Session, name: str) -> None:
        """Wake those who wait for a channel."""
        await session.telling.basic_publish(b"", exchange=self.topology.wake, routing_key=name)

    async def put_late(self, session: Session, name: str, body: bytes, delay_s: float) -> None:
        """Publish what goes to the front of a channel after a while."""
        await self.declare(session, name)
        delay_ms = max(int(delay_s * 1000), 1)
        queue = self.topology.late(name, delay_ms)
        channel = await session.open_channel()
        await channel.queue_declare(queue, arguments=self.topology.late_arguments(name, delay_ms))
        await channel.close()
        await session.publishing.basic_publish(body, routing_key=queue, mandatory=True)
        async with self.drawers.open(session, "registry") as state:
            state.setdefault("late", {})[queue] = self.clock() + delay_s + 60

    # -- operations -----------------------------------------------------------------------------

    async def apply(self, operations: Iterable[Any]) -> list[Any]:
        """The results of operations, in order; what stands behind a refused one is held back."""
        results: list[Any] = []
        refused: set[str] = set()
        for operation in operations:
            channel = ops.row_of(operation)
            if channel in refused:
                results.append(self.layer.hold_back(channel))
                continue
            action = _ACTIONS.get(type(operation))
            if action is None:
                raise TypeError(f"expected one of channels.layers.operations, got {operation!r}")
            result = await self.run(lambda session: action(self, session, operation))  # noqa: B023
            if isinstance(result, Exception) and not isinstance(result, ClientGone) and channel:
                refused.add(channel)
            tell_carried_out(operation, result)
            results.append(result)
        return results

    async def send(self, session: Session, operation: ops.Send) -> Exception | None:
        channel = operation.channel
        name, client = names.split_local(channel)
        state = self.ears.state_of(name, client)
        if state == "gone":
            return ClientGone(channel)
        body = self._pack([client], operation.payload, 0, self.clock())
        if operation.delay_s > 0:
            await self.put_late(session, name, body, operation.delay_s)
        elif state == "held":
            self.count(name, "channel_full_count")
            return ClientBusy(channel, 0, self.layer.get_capacity(name))
        elif not await self._has_room(session, name) or not await self.put(session, name, body):
            self.count(name, "channel_full_count")
            capacity = self.layer.get_capacity(name)
            return ChannelFull(channel, capacity, capacity)
        self.count(name, "messages_count")
        return None

    async def _has_room(self, session: Session, name: str) -> bool:
        """Quorum queues refuse what is too much a little late: they are asked first."""
        if not self.is_acknowledged(name):
            return True
        found = await session.count(self.topology.main(name))
        return found is None or found[0] < self.layer.get_capacity(name)

    async def send_batch(
        self, session: Session, name: str, batch: Sequence[tuple[list[str], bytes]]
    ) -> int:
        """Send packed messages to clients of one queue, in order, as long as there is room; return
        how many were sent."""
        for count, (clients, payload) in enumerate(batch):
            if not await self.put(session, name, self._pack(clients, payload, 0, self.clock())):
                self.count(name, "channel_full_count")
                return count
            self.count(name, "messages_count")
        return len(batch)

    async def send_group(self, session: Session, operation: ops.SendGroup) -> None:
        for name, clients in (await self.members(session, operation.group)).items():
            states = {client: self.ears.state_of(name, client) for client in clients}
            present = [client for client in clients if states[client] is None]
            dropped = sum(state == "held" for state in states.values())
            if present:
                body = self._pack(present, operation.payload, 0, self.clock())
                if await self.put(session, name, body):
                    self.count(name, "messages_count")
                else:
                    dropped += len(present)
            self.count(name, "dropped_count", dropped)

    async def done(self, session: Session, operation: ops.Done) -> None:
        await self.acknowledge(operation.delivery.token)

    @staticmethod
    async def acknowledge(entry: Any) -> None:
        """Let go of a message that a worker has had."""
        place = getattr(entry, "channel_and_tag", None)
        if place is not None and not place[0].is_closed:
            entry.channel_and_tag = None
            await place[0].basic_ack(place[1])

    def _entry(self, delivery: ops.Delivery) -> BrokerEntry:
        if not isinstance(delivery.token, BrokerEntry):
            raise ValueError(f"this delivery on {delivery.channel!r} did not come from this layer")
        return delivery.token

    async def _is_ours(self, entry: BrokerEntry, delivery: ops.Delivery) -> bool:
        """Whether a delivery is still this worker's: after a flush, or when RabbitMQ has given an
        acknowledged one to another worker, it is not."""
        if not self.is_acknowledged(entry.queue):
            return True
        place = entry.channel_and_tag
        return place is not None and not place[0].is_closed and not self.ears.was_flushed(entry)

    async def retry(self, session: Session, operation: ops.Retry) -> None:
        entry = self._entry(operation.delivery)
        if not await self._is_ours(entry, operation.delivery):
            return
        body = self._pack(entry.clients, entry.payload, entry.attempts + 1, self.clock())
        if operation.delay_s > 0:
            await self.put_late(session, entry.queue, body, operation.delay_s)
        else:
            await self.put(session, entry.queue, body, front=True)
        await self.acknowledge(entry)

    async def put_back(self, session: Session, operation: ops.PutBack) -> None:
        entry = self._entry(operation.delivery)
        if await self._is_ours(entry, operation.delivery):
            await self.to_front(session, entry)
            await self.acknowledge(entry)

    async def to_front(self, session: Session, entry: Entry) -> None:
        """Put an entry in front of its channel, for as long as it had left to live."""
        left_s = entry.expires_at - self.clock()
        if left_s <= 0:
            self.count(entry.queue, "expired_count", len(entry.clients))
            return
        body = self._pack(entry.clients, entry.payload, entry.attempts, entry.sent_at)
        await self.put(session, entry.queue, body, front=True, expiration_s=left_s)

    async def bury(self, session: Session, operation: ops.DeadLetter) -> None:
        entry = self._entry(operation.delivery)
        if await self._is_ours(entry, operation.delivery):
            await self.keep_dead(session, entry, operation.reason)
            await self.acknowledge(entry)

    async def keep_dead(self, session: Session, entry: Entry, reason: str) -> None:
        """Keep an entry among the dead letters."""
        queue = self.topology.dead(entry.queue)
        channel = await session.open_channel()
        await channel.queue_declare(queue, durable=True, arguments=self.topology.dead_arguments())
        await channel.close()
        letter = [
            random_suffix(),
            self.clock(),
            reason,
            entry.attempts,
            " ".join(entry.clients),
            entry.payload,
        ]
        aiormq = import_aiormq()
        await session.publishing.basic_publish(
            msgpack.packb(letter),
            routing_key=queue,
            properties=aiormq.spec.Basic.Properties(delivery_mode=2),
        )
        async with self.drawers.open(session, "registry") as state:
            state.setdefault("names", {}).setdefault(entry.queue, self.clock())
        self.count(entry.queue, "dead_letter_count")

    async def count_drop(self, session: Session, operation: ops.Drop) -> None:
        name = names.queue_name(operation.channel)
        self.count(name, f"{operation.reason}_count", operation.count)

    # -- receiving ------------------------------------------------------------------------------

    async def take(
        self, session: Session, channels: Sequence[str], *, is_owned: bool, only_hinted: bool
    ) -> BrokerEntry | None:
        """Take the next entry, for one client, beginning with another channel each time."""
        self._turn += 1
        first = self._turn % len(channels)
        ordered = [*channels[first:], *channels[:first]]
        hinted = [name for name in ordered if self.ears.hints.get(name, 0) > 0]
        for name in hinted if only_hinted else dict.fromkeys([*hinted, *ordered]):
            entry = await self._get(session, name, is_owned)
            if entry is not None:
                return entry
        return None

    async def _get(self, session: Session, name: str, is_owned: bool) -> BrokerEntry | None:
        aiormq = import_aiormq()
        must_ack = is_owned and self.is_acknowledged(name)
        for is_last in (False, True):
            await self.declare(session, name)
            channel = session.owning if must_ack else session.getting
            try:
                for queue in (self.topology.front(name), self.topology.main(name)):
                    message = await channel.basic_get(queue, no_ack=not must_ack)
                    if message.delivery.name == "Basic.GetOk":
                        self.ears.use_hint(name)
                        return await self._read(session, name, message, must_ack)
                self.ears.clear_hint(name)
                return None
            except aiormq.exceptions.ChannelNotFoundEntity:
                session.declared.discard(name)
                fresh = await session.open_channel()
                if must_ack:
                    session.owning = fresh
                else:
                    session.getting = fresh
                if is_last:
                    raise
        return None

    async def _read(
        self, session: Session, name: str, message: Any, must_ack: bool
    ) -> BrokerEntry | None:
        entry = self.read_body(name, message.body)
        headers = message.header.properties.headers or {}
        entry.deliveries = int(headers.get("x-delivery-count", 0))
        if must_ack:
            entry.channel_and_tag = (message.channel, message.delivery.delivery_tag)
            settings: Any = self.layer.get_acknowledgement(name)
            if entry.deliveries >= settings.max_deliveries:
                await self.keep_dead(session, entry, f"its workers died {entry.deliveries} times")
                await self.acknowledge(entry)
                return None
        if len(entry.clients) > 1:
            rest = dataclasses.replace(entry, clients=entry.clients[1:])
            await self.to_front(session, rest)
            entry = dataclasses.replace(entry, clients=entry.clients[:1])
        return entry

    def read_body(self, name: str, body: bytes) -> BrokerEntry:
        """The entry in the body of a message of a queue."""
        clients, attempts, sent_at, payload = msgpack.unpackb(body, raw=False)
        expires_at = sent_at + self.layer.get_expiry(name)
        return BrokerEntry(name, tuple(clients.split(" ")), payload, sent_at, expires_at, attempts)

    # -- groups ---------------------------------------------------------------------------------

    async def group_add(self, session: Session, group: str, channel: str) -> None:
        queue, client = names.split_local(channel)
        if self.ears.state_of(queue, client) == "gone":
            return
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            record = sockets.record_of(state, channel)
            if record.get("closed"):
                return
            stays = "open" in record
            groups = record.setdefault("groups", [])
            if group not in groups:
                groups.append(group)
        expires_at = None if stays else self.clock() + self.layer.group_expiry
        async with self.drawers.open(session, self.drawers.of_group(group)) as state:
            state.setdefault(group, {}).setdefault(queue, {})[client] = expires_at

    async def group_discard(self, session: Session, group: str, channel: str) -> None:
        await self._leave(session, group, channel)
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            groups = state.get(channel, {}).get("groups", [])
            if group in groups:
                groups.remove(group)

    async def _leave(self, session: Session, group: str, channel: str) -> None:
        queue, client = names.split_local(channel)
        async with self.drawers.open(session, self.drawers.of_group(group)) as state:
            clients = state.get(group, {}).get(queue, {})
            clients.pop(client, None)
            if not clients:
                state.get(group, {}).pop(queue, None)
            if not state.get(group):
                state.pop(group, None)

    async def group_discard_all(self, session: Session, channel: str) -> list[str]:
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            groups: list[str] = state.get(channel, {}).pop("groups", [])
        for group in groups:
            await self._leave(session, group, channel)
        return groups

    async def members(self, session: Session, group: str) -> dict[str, list[str]]:
        """The live members, as {queue: clients}."""
        now = self.clock()
        async with self.drawers.open(session, self.drawers.of_group(group)) as state:
            queues = state.get(group, {})
        live = {
            queue: [client for client, end in clients.items() if end is None or end > now]
            for queue, clients in queues.items()
        }
        return {queue: clients for queue, clients in live.items() if clients}

    # -- sessions and order ---------------------------------------------------------------------

    async def save_session(self, session: Session, operation: ops.SaveSession) -> None:
        channel = operation.reply_channel
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            if sockets.is_forgotten(state, channel, self.clock()):
                return
            record = sockets.record_of(state, channel)
            kept = record.setdefault("session", {})
            for key in operation.removed:
                kept.pop(key, None)
            kept.update(operation.changed)
            record["touched"] = self.clock()

    async def load_session(self, session: Session, channel: str) -> dict[str, bytes]:
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            return dict(state.get(channel, {}).get("session", {}))

    async def begin_ordered(
        self, session: Session, entry: Entry, channel: str, number: int, owner: str
    ) -> ops.Turn:
        """The Turn of a delivery; see BaseChannelLayer.begin_ordered."""
        parked: list[Entry] = []
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            if sockets.is_forgotten(state, channel, self.clock()):
                turn = ops.Turn.STALE
            else:
                record = sockets.record_of(state, channel)
                order = sockets.KeptOrder(record, number)
                turn = order.begin(number, entry, self.clock())
                if turn is ops.Turn.RUN:
                    order.owner = owner
                elif turn is ops.Turn.OVERFLOW:
                    parked = order.give_up()
                order.save()
                record["touched"] = self.clock()
        if turn in (ops.Turn.STALE, ops.Turn.OVERFLOW):
            self.count(entry.queue, "dropped_count", len(entry.clients))
        await self.release_parked(session, parked)
        if turn is not ops.Turn.RUN:
            await self.acknowledge(entry)
        return turn

    async def release_parked(self, session: Session, parked: Sequence[Entry]) -> bool:
        """Drop what a socket that is given up had parked, but for its disconnect. Returns whether
        that was among it."""
        has_disconnect = False
        for entry in parked:
            if entry.queue == DISCONNECT:
                has_disconnect = True
                await self.to_front(session, self.unparked(entry))
            else:
                self.count(entry.queue, "dropped_count", len(entry.clients))
        return has_disconnect

    def unparked(self, entry: Entry) -> BrokerEntry:
        """The time it was parked does not count for its expiry."""
        now = self.clock()
        expires_at = now + self.layer.get_expiry(entry.queue)
        return BrokerEntry(
            entry.queue, entry.clients, entry.payload, now, expires_at, entry.attempts
        )

    async def finish_ordered(
        self, session: Session, operation: ops.FinishOrdered
    ) -> BrokerEntry | None:
        channel = operation.reply_channel
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            record = state.get(channel, {})
            if "order" not in record:
                return None
            order = sockets.KeptOrder(record, 0)
            freed = order.finish(operation.order, self.clock())
            order.save()
        return None if freed is None else self.unparked(freed)

    async def release_ordered(self, session: Session, operation: ops.ReleaseOrdered) -> None:
        channel = operation.reply_channel
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            record = state.get(channel, {})
            if "order" in record:
                order = sockets.KeptOrder(record, 0)
                order.release(operation.order, self.clock())
                order.owner = None
                order.save()

    async def forget_socket(self, session: Session, operation: ops.ForgetSocket) -> None:
        channel = operation.reply_channel
        async with self.drawers.open(session, self.drawers.of_socket(channel)) as state:
            parked = sockets.forget(state, channel, self.clock())
        for entry in parked:
            self.count(entry.queue, "dropped_count", len(entry.clients))

    # -- counts ---------------------------------------------------------------------------------

    def count(self, name: str, key: str, number: int = 1) -> None:
        """Count something of a channel; others see it when it is written down."""
        if number:
            self._counts.setdefault(name, collections.Counter())[key] += number
            tell_lost(name, key, number)

    async def write_counts(self, session: Session) -> dict[str, dict[str, float]]:
        """Add what this process has counted to what all have; return that."""
        await self._collect_expired(session)
        counts, self._counts = self._counts, {}
        now = self.clock()
        async with self.drawers.open(session, "counts") as state:
            for name, counted in counts.items():
                kept = state.setdefault(name, {})
                for key, number in counted.items():
                    kept[key] = kept.get(key, 0) + number
                _turn_rate(kept, now)
                kept["rate_now"] += counted["messages_count"]
            return {name: dict(kept) for name, kept in state.items()}

    async def _collect_expired(self, session: Session) -> None:
        """Count what RabbitMQ has put aside as expired; of acknowledged channels it is kept."""
        while True:
            message = await session.getting.basic_get(self.topology.expired, no_ack=True)
            if message.delivery.name != "Basic.GetOk":
                return
            deaths = (message.header.properties.headers or {}).get("x-death") or [{}]
            queue = deaths[0].get("queue", "")
            if not queue.startswith(self.topology.prefix) or deaths[0].get("reason") != "expired":
                continue
            name = self.topology.name_of(queue)
            entry = self.read_body(name, message.body)
            self.count(name, "expired_count", len(entry.clients))
            self.layer.tell_expired(name, len(entry.clients))
            if self.is_acknowledged(name):
                await self.keep_dead(session, entry, EXPIRED)

    async def statistics(self, session: Session, name: str) -> dict[str, Any]:
        return await self._statistics_of(
            session, name, (await self.write_counts(session)).get(name, {})
        )

    async def _statistics_of(
        self, session: Session, name: str, kept: dict[str, float]
    ) -> dict[str, Any]:
        now, pending, oldest = self.clock(), 0, None
        for queue in (self.topology.front(name), self.topology.main(name)):
            found = await session.count(queue)
            if found is not None and found[0]:
                pending += found[0]
                sent_at = await self._peek_sent_at(session, queue)
                oldest = sent_at if oldest is None else min(oldest, sent_at or oldest)
        kept = {**kept}
        _turn_rate(kept, now)
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
        return float(msgpack.unpackb(message.body, raw=False)[2])

    async def global_statistics(self, session: Session) -> dict[str, Any]:
        counts = await self.write_counts(session)
        every = [
            await self._statistics_of(session, name, counts.get(name, {}))
            for name in {*counts, *await self.known_names(session)}
        ]
        total: dict[str, Any] = await self._statistics_of(session, "", {})
        for key in total:
            found = [statistics[key] for statistics in every]
            total[key] = max(found, default=0.0) if key.endswith("max_age") else sum(found)
        return total

    async def known_names(self, session: Session) -> list[str]:
        """The names of the channels that have, or had, queues."""
        async with self.drawers.open(session, "registry") as state:
            return sorted(state.get("names", {}))

    # -- dead letters ---------------------------------------------------------------------------

    async def dead_letter_names(self, session: Session) -> list[str]:
        found = []
        for name in await self.known_names(session):
            count = await session.count(self.topology.dead(name))
            if count is not None and count[0]:
                found.append(name)
        return found

    async def dead_letters(
        self, session: Session, name: str, chosen: Callable[[str], bool] | None = None
    ) -> list[list[Any]]:
        """All dead letters of a channel, oldest first; those that are `chosen` are taken out."""
        await self._collect_expired(session)
        if await session.count(self.topology.dead(name)) is None:
            return []
        channel, letters = await session.open_channel(), []
        while True:
            message = await channel.basic_get(self.topology.dead(name))
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

    async def replay(self, session: Session, name: str, ids: Sequence[str] | None) -> int:
        letters = await self.dead_letters(session, name, lambda one: ids is None or one in ids)
        for _, _, _, _, clients, payload in letters:
            body = self._pack([clients], payload, 0, self.clock())
            await self.put(session, name, body, front=True)
            self.count(name, "messages_count")
        return len(letters)

    # -- flush ----------------------------------------------------------------------------------

    async def flush(self, session: Session) -> None:
        """Remove everything."""
        async with self.drawers.open(session, "registry") as state:
            known, late = [*state.get("names", {})], [*state.get("late", {})]
            state.clear()
            state["boot"] = random_suffix()
        channel, topology = await session.open_channel(), self.topology
        for name in known:
            for queue in (topology.main(name), topology.front(name), topology.dead(name)):
                await channel.queue_delete(queue)
        for queue in late:
            await channel.queue_delete(queue)
        await channel.queue_purge(topology.expired)
        await channel.close()
        for drawer in self.drawers.names():
            if drawer != "registry":
                async with self.drawers.open(session, drawer) as state:
                    state.clear()
        self._counts.clear()
        session.declared.clear()
        await self.ears.announce(session, {"flushed": True})


def _turn_rate(kept: dict[str, float], now: float) -> None:
    """Bring the two counters of messages a second up to date."""
    age = now - kept.setdefault("rate_began", 0.0)
    kept.setdefault("rate_now", 0)
    kept.setdefault("rate_before", 0)
    if age >= RATE_WINDOW_S:
        kept["rate_before"] = kept["rate_now"] if age < 2 * RATE_WINDOW_S else 0
        kept["rate_now"] = 0
        kept["rate_began"] = now - now % RATE_WINDOW_S


_ACTIONS: dict[type, Callable[[Engine, Session, Any], Awaitable[Any]]] = {
    ops.Send: Engine.send,
    ops.SendGroup: Engine.send_group,
    ops.Retry: Engine.retry,
    ops.DeadLetter: Engine.bury,
    ops.Done: Engine.done,
    ops.Drop: Engine.count_drop,
    ops.PutBack: Engine.put_back,
    ops.SaveSession: Engine.save_session,
    ops.ForgetSocket: Engine.forget_socket,
    ops.FinishOrdered: Engine.finish_ordered,
    ops.ReleaseOrdered: Engine.release_ordered,
}
