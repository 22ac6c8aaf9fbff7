"""How a party looks for a message, and sleeps while there is none; a worker thread's reader."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from channels.layers import operations as ops
from channels.layers.contract import Reader
from channels.layers.local.store import Store
from channels.layers.local.wakeups import Sleeper, TaskSleeper, ThreadSleeper

if TYPE_CHECKING:
    from channels.layers.local.layer import LocalChannelLayer

Found = TypeVar("Found")

#: Whoever sleeps looks again after so many seconds at the latest.
LONGEST_SLEEP_S = 30.0


class Search(Generic[Found]):
    """One party's search in the file.

    Args:
        queues: names of the queues to wait for.
        attempt: function of the Store; returns what was found, or None.
        first: called with the Store before the first attempt; if it returns False, the search is
            over with that attempt.
    """

    def __init__(
        self,
        layer: LocalChannelLayer,
        queues: Sequence[str],
        attempt: Callable[[Store], Found | None],
        first: Callable[[Store], bool] | None = None,
    ) -> None:
        self.layer = layer
        self._queues = queues
        self._attempt = attempt
        self._first = first
        self._is_waiting = False
        self.result: Found | None = None

    def step(self, sleeper: Sleeper) -> float:
        """Look once. Sets `result`, or else returns how many seconds to sleep."""
        return self.layer.run(lambda store: self._step(store, sleeper))

    def _step(self, store: Store, sleeper: Sleeper) -> float:
        goes_on = True
        if self._first is not None:
            goes_on, self._first = self._first(store), None
        store.servers.stop_waiting(sleeper.name)
        self.result = self._attempt(store)
        self._is_waiting = goes_on and self.result is None
        if not self._is_waiting:
            return 0.0
        self._subscribe(store, sleeper)
        store.servers.wait(sleeper.name)
        due = store.queues.next_due(self._queues)
        return LONGEST_SLEEP_S if due is None else min(max(due - store.now, 0.0), LONGEST_SLEEP_S)

    def _subscribe(self, store: Store, sleeper: Sleeper) -> None:
        place = (self.layer.database.identity, frozenset(self._queues))
        if sleeper.subscribed != place:
            sleeper.make_reachable()
            store.servers.subscribe(sleeper.name, self._queues)
            sleeper.subscribed = place

    def leave(self, sleeper: Sleeper) -> None:
        """Stop waiting; if that leaves something to be found, let another one look."""
        if self._is_waiting:
            self._is_waiting = False
            self.layer.run(lambda store: self._leave(store, sleeper))

    def _leave(self, store: Store, sleeper: Sleeper) -> None:
        was_woken = not store.servers.stop_waiting(sleeper.name)
        if was_woken or store.queues.next_due(self._queues) is not None:
            store.queues.ready += self._queues


def search(
    quest: Search[Found],
    sleeper: ThreadSleeper,
    block_s: float | None,
    is_over: Callable[[], bool] = lambda: False,
) -> Found | None:
    """Search in this thread, for `block_s` seconds (None: for ever) or until `is_over()`."""
    deadline = None if block_s is None else time.monotonic() + block_s
    try:
        while True:
            sleep_s = quest.step(sleeper)
            if quest.result is not None or sleep_s < 0 or is_over():
                return quest.result
            if deadline is not None:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                sleep_s = min(sleep_s, left_s)
            sleeper.wait(sleep_s)
    finally:
        quest.leave(sleeper)


async def search_async(quest: Search[Found], sleeper: TaskSleeper) -> Found:
    """Search in this task, for ever; cancelling it loses nothing."""
    try:
        while quest.result is None:
            sleep_s = quest.step(sleeper)
            if quest.result is None:
                await sleeper.wait(sleep_s)
        return quest.result
    finally:
        quest.leave(sleeper)


class LocalReader(Reader):
    """One worker thread's way to its messages."""

    def __init__(self, layer: LocalChannelLayer, channels: Sequence[str]) -> None:
        self._layer = layer
        self._channels = channels
        self._sleeper: ThreadSleeper | None = None
        self._is_interrupted = False

    def take(
        self, operations: Sequence[Any] = (), block_s: float = 0.0
    ) -> tuple[list[Any], ops.Delivery | None]:
        results: list[Any] = []

        def first(store: Store) -> bool:
            results.extend(self._layer.carry_out(store, operations))
            return block_s > 0 and not _leave_work(results)

        if block_s > 0:
            quest = Search(self._layer, self._channels, self._take, first)
            entry = self._search(quest, block_s, results)
        else:
            entry = self._layer.run(lambda store: (first(store), self._take(store))[1])
        return self._layer.results(results), self._layer.delivery(entry)

    def _take(self, store: Store) -> Any:
        return store.take(self._channels, is_owned=True)

    def _search(self, quest: Search[Any], block_s: float, results: list[Any]) -> Any:
        if self._sleeper is None:
            self._sleeper = self._layer.make_sleeper(ThreadSleeper)
        return search(quest, self._sleeper, block_s, lambda: self._must_not_wait(results))

    def _must_not_wait(self, results: list[Any]) -> bool:
        was, self._is_interrupted = self._is_interrupted, False
        return was or _leave_work(results)

    def interrupt(self) -> None:
        # No lock is taken: this may be called in a signal handler.
        self._is_interrupted = True
        if self._sleeper is not None:
            self._sleeper.wake()

    def close(self) -> None:
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None:
            name = sleeper.name
            sleeper.close()
            self._layer.run(lambda store: store.servers.unsubscribe(name))


def _leave_work(results: list[Any]) -> bool:
    """As `operations.leave_work`, with what was set free still an Entry."""
    return any(result is not None for result in results)
