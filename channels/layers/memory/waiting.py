"""How readers and senders wait, and how they are woken, from any thread or event loop.

Everything but `wait` is called under the layer's lock. Whoever is woken is off the board, looks
again, and puts itself back if there is nothing for it. Whoever leaves without having found
something after it was woken wakes another one in its place, so that no wake-up is lost.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from channels.layers.memory.layer import MemoryChannelLayer


#: What a lock takes at most, in seconds.
LONGEST_WAIT_S = threading.TIMEOUT_MAX


class Waiter(Protocol):
    """Who waits: a ThreadWaiter or a TaskWaiter."""

    names: Sequence[str]

    def arm(self) -> None:
        """It is about to wait."""

    def wake(self) -> bool:
        """Wake it; returns whether it is there to be woken."""
        ...


class Board:
    """Who waits for what: waiters by queue name, the longest waiting first."""

    def __init__(self) -> None:
        self._waiters: dict[str, dict[Waiter, None]] = {}

    def add(self, waiter: Waiter, names: Sequence[str]) -> None:
        waiter.names = names
        for name in names:
            self._waiters.setdefault(name, {})[waiter] = None

    def remove(self, waiter: Waiter) -> bool:
        """Take a waiter off; return whether it was there."""
        was_there = False
        for name in waiter.names:
            waiters = self._waiters.get(name, {})
            if waiter in waiters:
                was_there = True
                del waiters[waiter]
                if not waiters:
                    del self._waiters[name]
        return was_there

    def notify(self, name: str) -> None:
        """Wake the one that has waited longest for `name`."""
        while self._waiters.get(name):
            waiter = next(iter(self._waiters[name]))
            self.remove(waiter)
            if waiter.wake():
                return

    def notify_all(self) -> None:
        """Wake everyone."""
        for waiter in {waiter for waiters in self._waiters.values() for waiter in waiters}:
            self.remove(waiter)
            waiter.wake()


class ThreadWaiter:
    """A blocked thread. A bare lock, since `wake` must be safe in a signal handler too."""

    def __init__(self) -> None:
        self.names: Sequence[str] = ()
        self._lock = threading.Lock()
        self._lock.acquire()

    def arm(self) -> None:
        self._lock.acquire(blocking=False)

    def wait(self, timeout_s: float | None) -> None:
        self._lock.acquire(timeout=-1 if timeout_s is None else min(timeout_s, LONGEST_WAIT_S))

    def wake(self) -> bool:
        try:
            self._lock.release()
        except RuntimeError:
            return True  # woken already, and not asleep again
        return True


class TaskWaiter:
    """A waiting coroutine of the running event loop."""

    def __init__(self) -> None:
        self.names: Sequence[str] = ()
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None]

    def arm(self) -> None:
        self._woken = self._loop.create_future()

    async def wait(self, timeout_s: float | None) -> None:
        await asyncio.wait([self._woken], timeout=timeout_s)

    def wake(self) -> bool:
        """Returns False if the loop is closed, so that someone else should be woken."""
        try:
            self._loop.call_soon_threadsafe(_resolve, self._woken)
        except RuntimeError:
            return False
        return True


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


Found = TypeVar("Found")
AnyWaiter = TypeVar("AnyWaiter", ThreadWaiter, TaskWaiter)


class Search(Generic[Found, AnyWaiter]):
    """One party's search for something in the store.

    Args:
        layer: the layer whose lock and clock are used.
        board: where to wait.
        names: names of the queues to wait for.
        attempt: function of the time; returns what was found, or None.
        next_change: function of the time; returns when time alone may change the answer, or None.
        waiter: a ThreadWaiter or a TaskWaiter.
    """

    def __init__(
        self,
        layer: MemoryChannelLayer,
        board: Board,
        names: Sequence[str],
        attempt: Callable[[float], Found | None],
        next_change: Callable[[float], float | None],
        waiter: AnyWaiter,
    ) -> None:
        self._lock, self._clock = layer.lock, layer.clock
        self._board = board
        self._names = names
        self._attempt = attempt
        self._next_change = next_change
        self.waiter: AnyWaiter = waiter
        self.result: Found | None = None

    def step(self) -> float | None:
        """Look once. Sets `result`, or else returns how many seconds to wait (None: for ever)."""
        with self._lock:
            now = self._clock()
            self._board.remove(self.waiter)
            self.result = self._attempt(now)
            if self.result is not None:
                return None
            self.waiter.arm()
            self._board.add(self.waiter, self._names)
            change = self._next_change(now)
        return None if change is None else max(change - now, 0.0)

    def leave(self) -> None:
        """Stop waiting; if that leaves something to be found, let another one look."""
        with self._lock:
            was_woken = not self._board.remove(self.waiter)
            misses = self.result is None and was_woken
            if misses or self._next_change(self._clock()) is not None:
                for name in self._names:
                    self._board.notify(name)


def search(
    quest: Search[Found, ThreadWaiter],
    block_s: float | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Found | None:
    """Search in this thread, for `block_s` seconds (None: for ever) or until `is_over()`."""
    deadline = None if block_s is None else time.monotonic() + block_s
    try:
        while True:
            wait_s = quest.step()
            if quest.result is not None or is_over():
                return quest.result
            if deadline is not None:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                wait_s = left_s if wait_s is None else min(wait_s, left_s)
            quest.waiter.wait(wait_s)
    finally:
        quest.leave()


async def search_async(quest: Search[Found, TaskWaiter]) -> Found:
    """Search in this task, for ever; cancelling it loses nothing."""
    try:
        while True:
            wait_s = quest.step()
            if quest.result is not None:
                return quest.result
            await quest.waiter.wait(wait_s)
    finally:
        quest.leave()
