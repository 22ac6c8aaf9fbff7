"""`RabbitmqChannelLayer`: the verbs, each over a coroutine of the Engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from channels.exceptions import PrefixTaken
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.base import MAX_MESSAGE_BYTES, BaseChannelLayer
from channels.layers.codec import Codec, UndecodableMessage
from channels.layers.contract import OnReply, Reader, ServerLink
from channels.layers.memory.queues import Entry
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.engine import BrokerEntry, Engine
from channels.layers.rabbitmq.housekeeping import Housekeeping
from channels.layers.rabbitmq.link import RabbitmqLink
from channels.layers.rabbitmq.reader import RabbitmqReader, receive
from channels.layers.rabbitmq.topology import Topology
from channels.layers.rabbitmq.transport import check_url, import_aiormq
from channels.layers.rabbitmq.worker_link import RabbitmqWorkerLink
from channels.layers.worker_link import OnMessage, WorkerLink
from channels.startup.identity import project_marks

URL = "amqp://guest:guest@localhost:5672/"
PREFIX = "asgi."
#: How many drawers there are for groups, and for sockets. The same number in all processes.
DRAWERS = 16


class RabbitmqChannelLayer(BaseChannelLayer):
    """A channel layer over RabbitMQ 3.10 or later.

    Args:
        url: amqp:// or amqps://, with user, password and virtual host.
        prefix: put before the names of queues and exchanges; two projects on one virtual host need
            two.
        symmetric_encryption_keys: a list; the first encrypts messages, all decrypt them.
        drawers: in how many parts state is kept that is no message; the same in all processes.
        expiry, group_expiry, capacity, channel_capacity, channel_expiry, acknowledged: see
            BaseChannelLayer.
    """

    extensions = (
        "groups",
        "flush",
        "statistics",
        "async",
        "delay",
        "sessions",
        "ordering",
        "presence",
        "acknowledged",
        "status",
    )
    is_local = False

    def __init__(
        self,
        *,
        url: str = URL,
        prefix: str = PREFIX,
        symmetric_encryption_keys: Sequence[Any] = (),
        drawers: int = DRAWERS,
        **config: Any,
    ) -> None:
        super().__init__(**config)
        import_aiormq()
        check_url(url)
        if not isinstance(drawers, int) or not 1 <= drawers <= 1_000:
            raise ValueError(f"drawers must be a number from 1 to 1000, got {drawers!r}")
        self.url, self.prefix = url, prefix
        self.codec = Codec(MAX_MESSAGE_BYTES, symmetric_encryption_keys)
        topology = Topology(prefix)
        self.engine = Engine(self, topology, Drawers(topology, drawers))
        self.housekeeping = Housekeeping(self.engine)
        self._guard = threading.Lock()
        self._kept_at = float("-inf")

    def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run `function(session, *args)` in the transport's loop, and wait for it."""
        return self.engine.transport.run(self._call(function, *args))

    async def _arun(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self.engine.transport.arun(self._call(function, *args))

    async def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self.engine.run(lambda session: function(session, *args))

    # -- channels -----------------------------------------------------------------------------

    def send(self, channel: str, message: Any, delay_s: float = 0.0) -> None:
        _raise(self.apply([self.prepare_send(channel, message, delay_s)]))

    async def asend(self, channel: str, message: Any, delay_s: float = 0.0) -> None:
        _raise(await self.aapply([self.prepare_send(channel, message, delay_s)]))

    def receive(self, channels: Sequence[str], block: bool = False) -> tuple[Any, Any]:
        channels = self.check_receive_names(channels)
        while True:
            wait = receive(self.engine, channels, None if block else 0.0)
            delivery = self.delivery(self.engine.transport.run(wait))
            if delivery is not None:
                return delivery.channel, delivery.content
            if not block:
                return None, None

    async def areceive(self, channels: Sequence[str], block: bool = False) -> tuple[Any, Any]:
        channels = self.check_receive_names(channels)
        called_off, event = threading.Event(), asyncio.Event()
        block_s, loop = None if block else 0.0, self.engine.transport.loop()
        while True:
            wait = receive(self.engine, channels, block_s, called_off, event=event)
            future = asyncio.run_coroutine_threadsafe(wait, loop)
            wrapped = asyncio.wrap_future(future)
            try:
                entry = await asyncio.shield(wrapped)
            except asyncio.CancelledError:
                called_off.set()
                loop.call_soon_threadsafe(event.set)
                entry = await wrapped
                if entry is not None:
                    await self._arun(self.engine.to_front, entry)
                raise
            delivery = self.delivery(entry)
            if delivery is not None:
                return delivery.channel, delivery.content
            if not block:
                return None, None

    # -- groups -------------------------------------------------------------------------------

    def group_add(self, group: str, channel: str) -> None:
        self._run(self.engine.group_add, *_checked(group, channel))

    async def agroup_add(self, group: str, channel: str) -> None:
        await self._arun(self.engine.group_add, *_checked(group, channel))

    def group_discard(self, group: str, channel: str) -> None:
        self._run(self.engine.group_discard, *_checked(group, channel))

    async def agroup_discard(self, group: str, channel: str) -> None:
        await self._arun(self.engine.group_discard, *_checked(group, channel))

    def group_discard_all(self, channel: str) -> list[str]:
        names.check_channel_name(channel)
        groups: list[str] = self._run(self.engine.group_discard_all, channel)
        return groups

    def group_channels(self, group: str) -> list[str]:
        return _flat(self._run(self.engine.members, names.check_group_name(group)))

    async def agroup_channels(self, group: str) -> list[str]:
        return _flat(await self._arun(self.engine.members, names.check_group_name(group)))

    def send_group(self, group: str, message: Any) -> None:
        self.apply([self.prepare_send_group(group, message)])

    async def asend_group(self, group: str, message: Any) -> None:
        await self.aapply([self.prepare_send_group(group, message)])

    # -- flush, statistics ----------------------------------------------------------------------

    def flush(self) -> None:
        self._run(self.engine.flush)

    def channel_statistics(self, channel: str) -> dict[str, Any]:
        queue = names.queue_name(names.check_channel_name(channel))
        statistics: dict[str, Any] = self._run(self.engine.statistics, queue)
        return statistics

    def global_statistics(self) -> dict[str, Any]:
        statistics: dict[str, Any] = self._run(self.engine.global_statistics)
        return statistics

    def status(self, names_age_s: float = 0.0) -> dict[str, Any]:
        status: dict[str, Any] = self._run(self.housekeeping.status)
        return status

    def living_workers(self) -> list[dict[str, Any]]:
        workers: list[dict[str, Any]] = self._run(self.housekeeping.processes, "workers")
        return workers

    def tell_expired(self, name: str, count: int) -> None:
        """Log that messages have expired."""
        self.drops.warn(
            name,
            "expired",
            count,
            "%d message(s) on %s expired unread (they live %s s): add workers, or raise its expiry",
            count,
            name,
            self.get_expiry(name),
        )

    # -- dead letters ---------------------------------------------------------------------------

    def dead_letter_channels(self) -> list[str]:
        found: list[str] = self._run(self.engine.dead_letter_names)
        return found

    def dead_letters(self, channel: str) -> list[dict[str, Any]]:
        queue = names.queue_name(names.check_channel_name(channel))
        return [
            {
                "id": letter_id,
                "at": at,
                "reason": reason,
                "attempts": attempts,
                "content": self._content(payload),
            }
            for letter_id, at, reason, attempts, _, payload in self._run(
                self.engine.dead_letters, queue
            )
        ]

    def _content(self, payload: bytes) -> dict[str, Any] | None:
        try:
            return self.codec.unpack_message(payload)
        except UndecodableMessage:
            return None

    def replay_dead_letters(self, channel: str, ids: Sequence[str] | None = None) -> int:
        queue = names.queue_name(names.check_channel_name(channel))
        count: int = self._run(self.engine.replay, queue, ids)
        return count

    def purge_dead_letters(self, channel: str, ids: Sequence[str] | None = None) -> int:
        queue = names.queue_name(names.check_channel_name(channel))
        chosen = self._run(self.engine.dead_letters, queue, lambda one: ids is None or one in ids)
        return len(chosen)

    # -- what workers call ------------------------------------------------------------------------

    def apply(self, operations: Sequence[Any]) -> list[Any]:
        return self.results(self.engine.transport.run(self.engine.apply(operations)))

    async def aapply(self, operations: Sequence[Any]) -> list[Any]:
        """`apply`, as a coroutine."""
        return self.results(await self.engine.transport.arun(self.engine.apply(operations)))

    def results(self, results: list[Any]) -> list[Any]:
        """Results with Deliveries for the Entries that were set free."""
        return [self.delivery(each) if isinstance(each, Entry) else each for each in results]

    def open_reader(self, channels: Sequence[str]) -> Reader:
        return RabbitmqReader(self, self.check_receive_names(channels))

    def load_session(self, reply_channel: str) -> dict[str, Any]:
        names.check_channel_name(reply_channel)
        packed = self._run(self.engine.load_session, reply_channel)
        return {key: self.codec.unpack_value(value) for key, value in packed.items()}

    def begin_ordered(
        self, delivery: ops.Delivery, reply_channel: str, order: int, owner: str
    ) -> ops.Turn:
        entry = delivery.token if delivery.token is not None else self._adopt(delivery)
        turn: ops.Turn = self._run(self.engine.begin_ordered, entry, reply_channel, order, owner)
        return turn

    def _adopt(self, delivery: ops.Delivery) -> BrokerEntry:
        """The entry of a delivery that was not received: a test called the consumer itself."""
        name, client = names.split_local(delivery.channel)
        payload = self.codec.pack_message(delivery.content, delivery.channel)
        now = time.time()
        expires_at = now + self.get_expiry(name)
        return BrokerEntry(name, (client,), payload, now, expires_at, delivery.attempts)

    def is_read(self, channel: str) -> bool:
        queue, client = names.split_local(names.check_channel_name(channel))
        self._run(_do_nothing)  # what the others have told is heard over an open connection
        return self.engine.ears.state_of(queue, client) != "gone"

    def check_neighbours(self) -> None:
        marks = project_marks()
        for kind in ("servers", "workers"):
            for process in self._run(self.housekeeping.processes, kind):
                theirs = process.get("project")
                if theirs and marks and not set(theirs) & set(marks):
                    who = f"{kind[:-1]} {process['id']} (pid {process.get('pid')})"
                    raise PrefixTaken(self.prefix, who, "is of another project")

    def keep_house(self, worker_id: str, facts: Mapping[str, Any], channels: Iterable[str]) -> None:
        self.drops.sum_up()
        with self._guard:
            if time.monotonic() < self._kept_at + 2.0:
                return
            self._kept_at = time.monotonic()
        self._run(self.housekeeping.enter, "workers", worker_id, dict(facts))
        self._run(self.housekeeping.keep)

    def leave_house(self, worker_id: str) -> None:
        self._run(self.engine.write_counts)
        self._run(self.housekeeping.leave, "workers", worker_id)

    # -- what interface servers call --------------------------------------------------------------

    def open_link(
        self, server_id: str, on_reply: OnReply, on_lost: Callable[[], None]
    ) -> ServerLink:
        return RabbitmqLink(self, server_id, on_reply, on_lost)

    def open_worker_link(self, worker_id: str, on_message: OnMessage) -> WorkerLink:
        return RabbitmqWorkerLink(self, worker_id, on_message)

    # -- the end ----------------------------------------------------------------------------------

    def close(self) -> None:
        self.engine.transport.close()

    def delivery(self, entry: Entry | None) -> ops.Delivery | None:
        """The Delivery of an entry; None if there is none, or if it can't be read."""
        if entry is None:
            return None
        try:
            content = self.codec.unpack_message(entry.payload)
        except UndecodableMessage as error:
            self.engine.count(entry.queue, "undecodable_count")
            self.drops.error(
                entry.queue,
                "undecodable",
                1,
                "a message on %s can't be read and is dropped: %s",
                entry.queue,
                error,
            )
            return None
        return ops.Delivery(entry.channel, content, entry.attempts, token=entry)


async def _do_nothing(session: Any) -> None:
    """Only see that there is a connection."""


def _raise(results: list[Any]) -> None:
    (refusal,) = results
    if refusal is not None:
        raise refusal


def _checked(group: str, channel: str) -> tuple[str, str]:
    return names.check_group_name(group), names.check_channel_name(channel)


def _flat(members: Mapping[str, Sequence[str]]) -> list[str]:
    return [queue + client for queue, clients in members.items() for client in clients]
