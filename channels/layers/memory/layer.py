"""`MemoryChannelLayer`: the verbs for threads and for coroutines over one Store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from channels.layers.contract import Reader
from channels.layers.entries import LayerOverEntries
from channels.layers.memory.link import MemoryLink
from channels.layers.memory.process_link import MemoryProcessLink
from channels.layers.memory.steps import MemorySteps
from channels.layers.memory.store import Store
from channels.layers.memory.waiting import (
    AnyWaiter,
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
    from channels.layers.entries import Entry
    from channels.layers.operations import Operation


T = TypeVar("T")


class MemoryChannelLayer(LayerOverEntries[MemorySteps]):
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

    def __init__(self, *, clock: Callable[[], float] = time.time, **config: Any) -> None:
        super().__init__(**config)
        self.clock = clock
        self.steps = MemorySteps()
        self.lock = threading.Lock()
        self.readers = Board()
        self.senders = Board()
        self.store = Store(
            self.get_capacity,
            self.get_expiry,
            self.group_expiry,
            on_ready=self.readers.notify,
            on_room=self.senders.notify,
            on_expired=self.tell_expired,
        )

    # -- channels ---------------------------------------------------------------------------

    def receive(self, channels: Sequence[str], block: bool = False) -> Received:
        channels = self.check_receive_names(channels)
        entry = search(self._quest(channels, ThreadWaiter())) if block else self._take(channels)
        return self._channel_and_message(entry)

    async def areceive(self, channels: Sequence[str], block: bool = False) -> Received:
        if not block:
            return self.receive(channels)
        channels = self.check_receive_names(channels)
        entry = await search_async(self._quest(channels, TaskWaiter()))
        return self._channel_and_message(entry)

    # -- flush, statistics ------------------------------------------------------------------

    def flush(self) -> None:
        with self.lock:
            links = self.store.flush()
            self.senders.notify_all()
        for link in links:
            link.lose()

    # -- what workers call --------------------------------------------------------------------

    def apply(self, operations: Sequence[Operation]) -> list[Any]:
        with self.lock:
            now = self.clock()
            results = carry_out_in_rows(
                operations, lambda operation: self.store.carry_out(operation, now), self.hold_back
            )
        return self.results(results)

    def open_reader(self, channels: Sequence[str]) -> MemoryReader:
        return MemoryReader(self, self.check_receive_names(channels))

    # -- what interface servers call ------------------------------------------------------------

    def open_link(
        self, server_id: str, on_reply: OnReply, on_lost: Callable[[], None]
    ) -> MemoryLink:
        return MemoryLink(self, server_id, on_reply, on_lost)

    def open_process_link(
        self, queue: str, deliver: Any, on_lost: Callable[[], None]
    ) -> MemoryProcessLink:
        return MemoryProcessLink(self, queue, deliver, on_lost)

    # -- for tests ----------------------------------------------------------------------------

    def wake_all(self) -> None:
        """Make everyone who waits look again: the `clock` has jumped."""
        with self.lock:
            self.readers.notify_all()
            self.senders.notify_all()

    # -- inside -------------------------------------------------------------------------------

    def run(self, step: Callable[[Store, float], T]) -> T:
        """Run `step(store, now)` under the lock."""
        with self.lock:
            return step(self.store, self.clock())

    def count_undecodable(self, queue: str) -> None:
        self.run(lambda store, now: store.count(queue, "undecodable_count", now))

    def _take(self, channels: Sequence[str]) -> Entry | None:
        return self.run(lambda store, now: store.take(channels, now))

    def _quest(self, channels: Sequence[str], waiter: AnyWaiter) -> Search[Entry, AnyWaiter]:
        return Search(
            self,
            self.readers,
            channels,
            lambda now: self.store.take(channels, now),
            lambda now: self.store.next_due(channels, now),
            waiter,
        )

    def _channel_and_message(self, entry: Entry | None) -> Received:
        delivery = self.delivery(entry)
        return (None, None) if delivery is None else (delivery.channel, delivery.content)


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
        return results, self._layer.delivery(entry)

    def interrupt(self) -> None:
        # No lock is taken: this may be called in a signal handler.
        self._is_interrupted = True
        self._waiter.wake()

    def _was_interrupted(self) -> bool:
        was, self._is_interrupted = self._is_interrupted, False
        return was

    def close(self) -> None:
        """Nothing is open."""
