"""`MemoryChannelLayer`: the verbs for threads and for coroutines over one Store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from channels.layers import names
from channels.layers.base import BaseChannelLayer
from channels.layers.contract import Reader
from channels.layers.memory.link import MemoryLink
from channels.layers.memory.process_link import MemoryProcessLink
from channels.layers.memory.queues import Entry
from channels.layers.memory.store import Store
from channels.layers.memory.waiting import (
    Board,
    Search,
    TaskWaiter,
    ThreadWaiter,
    search,
    search_async,
)
from channels.layers.operations import Delivery, carry_out_in_rows, leave_work

if TYPE_CHECKING:
    from channels.layers.contract import OnReply, Received
    from channels.layers.operations import Operation, Turn
    from channels.messages import Content


T = TypeVar("T")


class MemoryChannelLayer(BaseChannelLayer):
    """A channel layer inside one process, for `runserver`, tests and small tools.

    Any thread and any event loop of the process may use it at the same time. Nothing in it polls: a
    reader that waits is woken by whoever sends.

    Args:
        clock: function that returns the time in seconds; for tests. After a jump of it, call
            `wake_all()`.
        config: the arguments of BaseChannelLayer. `acknowledged` has no effect: here, no worker
            dies without all else.
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
    )
    is_local = True

    def __init__(self, *, clock: Any = time.time, **config: Any) -> None:
        super().__init__(**config)
        self.clock = clock
        self.lock = threading.Lock()
        self.readers = Board()
        self.senders = Board()
        self.store = Store(
            self.get_capacity,
            self.get_expiry,
            self.group_expiry,
            on_ready=self.readers.notify,
            on_room=self.senders.notify,
            on_expired=self._tell_expired,
        )

    # -- channels ---------------------------------------------------------------------------

    def send(self, channel: str, message: Content, delay_s: float = 0.0) -> None:
        self._apply_one(self.prepare_send(channel, message, delay_s))

    def receive(self, channels: Sequence[str], block: bool = False) -> Received:
        channels = self.check_receive_names(channels)
        entry = search(self._quest(channels, ThreadWaiter())) if block else self._take(channels)
        return self._channel_and_message(entry)

    async def asend(self, channel: str, message: Content, delay_s: float = 0.0) -> None:
        self.send(channel, message, delay_s)

    async def areceive(self, channels: Sequence[str], block: bool = False) -> Any:
        if not block:
            return self.receive(channels)
        channels = self.check_receive_names(channels)
        return self._channel_and_message(await search_async(self._quest(channels, TaskWaiter())))

    # -- groups -----------------------------------------------------------------------------

    def group_add(self, group: str, channel: str) -> None:
        names.check_group_name(group)
        names.check_channel_name(channel)
        self._locked(lambda store, now: store.groups.add(group, channel, now))

    def group_discard(self, group: str, channel: str) -> None:
        names.check_group_name(group)
        names.check_channel_name(channel)
        self._locked(lambda store, now: store.groups.discard(group, channel))

    def group_channels(self, group: str) -> list[str]:
        names.check_group_name(group)
        members = self._locked(lambda store, now: store.groups.members(group, now))
        return [queue + client for queue, clients in members.items() for client in clients]

    def send_group(self, group: str, message: Content) -> None:
        self._apply_one(self.prepare_send_group(group, message))

    def group_discard_all(self, channel: str) -> list[str]:
        names.check_channel_name(channel)
        return self._locked(lambda store, now: store.groups.discard_all(channel))

    async def agroup_add(self, group: str, channel: str) -> None:
        self.group_add(group, channel)

    async def agroup_discard(self, group: str, channel: str) -> None:
        self.group_discard(group, channel)

    async def agroup_channels(self, group: str) -> Any:
        return self.group_channels(group)

    async def asend_group(self, group: str, message: Content) -> None:
        self.send_group(group, message)

    # -- flush, statistics ------------------------------------------------------------------

    def flush(self) -> None:
        with self.lock:
            links = self.store.flush()
            self.senders.notify_all()
        for link in links:
            link.lose()

    def channel_statistics(self, channel: str) -> dict[str, Any]:
        queue = names.queue_name(names.check_channel_name(channel))
        return self._locked(lambda store, now: store.channel_statistics(queue, now))

    def global_statistics(self) -> dict[str, Any]:
        return self._locked(lambda store, now: store.global_statistics(now))

    # -- dead letters -------------------------------------------------------------------------

    def dead_letter_channels(self) -> list[str]:
        return self._locked(lambda store, now: store.dead_letter_queues())

    def dead_letters(self, channel: str) -> list[dict[str, Any]]:
        queue = names.queue_name(names.check_channel_name(channel))
        letters = self._locked(lambda store, now: store.dead_letters(queue))
        return [
            {
                "id": letter.id,
                "at": letter.at,
                "reason": letter.reason,
                "attempts": letter.entry.attempts,
                "content": self._unpack(letter.entry),
            }
            for letter in letters
        ]

    def replay_dead_letters(self, channel: str, ids: Sequence[str] | None = None) -> Any:
        queue = names.queue_name(names.check_channel_name(channel))
        return self._locked(lambda store, now: store.replay(queue, ids, now))

    def purge_dead_letters(self, channel: str, ids: Sequence[str] | None = None) -> Any:
        queue = names.queue_name(names.check_channel_name(channel))
        return self._locked(lambda store, now: store.purge(queue, ids))

    # -- what workers call --------------------------------------------------------------------

    def apply(self, operations: Sequence[Operation]) -> list[Any]:
        with self.lock:
            now = self.clock()
            results = carry_out_in_rows(
                operations, lambda operation: self.store.carry_out(operation, now), self.hold_back
            )
        return [self._delivery(r) if isinstance(r, Entry) else r for r in results]

    def open_reader(self, channels: Sequence[str]) -> Any:
        return MemoryReader(self, self.check_receive_names(channels))

    def load_session(self, reply_channel: str) -> dict[str, Any]:
        names.check_channel_name(reply_channel)
        packed = self._locked(lambda store, now: store.sockets.load(reply_channel, now))
        return {key: self.codec.unpack_value(value) for key, value in packed.items()}

    def begin_ordered(self, delivery: Delivery, reply_channel: str, order: int, owner: str) -> Turn:
        if delivery.token is None:
            delivery = self._adopt(delivery)
        turn: Turn = self._locked(
            lambda store, now: store.begin_ordered(delivery, reply_channel, order, now)
        )
        return turn

    def is_read(self, channel: str) -> bool:
        queue, client = names.split_local(names.check_channel_name(channel))
        return self._locked(lambda store, now: not store.servers.is_gone(queue, client))

    # -- what interface servers call ------------------------------------------------------------

    def open_link(self, server_id: str, on_reply: OnReply, on_lost: Callable[[], None]) -> Any:
        return MemoryLink(self, server_id, on_reply, on_lost)

    def open_process_link(self, queue: str, deliver: Any, on_lost: Callable[[], None]) -> Any:
        return MemoryProcessLink(self, queue, deliver, on_lost)

    # -- for tests ----------------------------------------------------------------------------

    def wake_all(self) -> None:
        """Make everyone who waits look again: the `clock` has jumped."""
        with self.lock:
            self.readers.notify_all()
            self.senders.notify_all()

    def _tell_expired(self, name: str, count: Any) -> None:
        self.drops.warn(
            name,
            "expired",
            count,
            "%d message(s) on %s expired unread (they live %s s): add workers, or raise its expiry",
            count,
            name,
            self.get_expiry(name),
        )

    # -- inside -------------------------------------------------------------------------------

    def _locked(self, function: Callable[[Any, float], T]) -> T:
        """Call `function(store, now)` under the lock."""
        with self.lock:
            return function(self.store, self.clock())

    def _take(self, channels: Sequence[str]) -> Any:
        return self._locked(lambda store, now: store.take(channels, now))

    def _apply_one(self, operation: Any) -> None:
        (refusal,) = self.apply([operation])
        if refusal is not None:
            raise refusal

    def _quest(self, channels: Sequence[str], waiter: Any) -> Any:
        return Search(
            self,
            self.readers,
            channels,
            lambda now: self.store.take(channels, now),
            lambda now: self.store.next_due(channels, now),
            waiter,
        )

    def _adopt(self, delivery: Delivery) -> Any:
        """Make a delivery ours that was not received: a test called the consumer itself."""
        name, client = names.split_local(delivery.channel)
        payload = self.codec.pack_message(delivery.content, delivery.channel)
        now = self.clock()
        expires_at = now + self.get_expiry(name)
        entry = Entry(name, (client,), payload, now, expires_at, delivery.attempts)
        return Delivery(delivery.channel, delivery.content, delivery.attempts, token=entry)

    def _unpack(self, entry: Any) -> Any:
        return self.codec.unpack_message(entry.payload)

    def _channel_and_message(self, entry: Any) -> Received:
        return (None, None) if entry is None else (entry.channel, self._unpack(entry))

    def _delivery(self, entry: Any) -> Any:
        return Delivery(entry.channel, self._unpack(entry), entry.attempts, token=entry)


class MemoryReader(Reader):
    """One worker thread's way to its messages."""

    def __init__(self, layer: MemoryChannelLayer, channels: Sequence[str]) -> None:
        self._layer = layer
        self._channels = channels
        self._waiter = ThreadWaiter()
        self._is_interrupted = False

    def take(
        self, operations: Sequence[Operation] = (), block_s: float = 0.0
    ) -> tuple[list[Any], Delivery | None]:
        results = self._layer.apply(operations)
        if block_s > 0 and not leave_work(results):
            quest = self._layer._quest(self._channels, self._waiter)
            entry = search(quest, block_s, self._was_interrupted)
        else:
            entry = self._layer._take(self._channels)
        return results, None if entry is None else self._layer._delivery(entry)

    def interrupt(self) -> None:
        # No lock is taken: this may be called in a signal handler.
        self._is_interrupted = True
        self._waiter.wake()

    def _was_interrupted(self) -> bool:
        was, self._is_interrupted = self._is_interrupted, False
        return was

    def close(self) -> None:
        """Nothing is open."""
