"""The channels of one process: `specific.<process>!<local>`.

They share one queue in the layer, which is drained by whoever waits for a message on one of them;
each message is handed out by the local part of its channel. Receivers may wait in several event
loops at once, in as many threads; the queue is drained in one of them at a time, so that order is
kept.
"""

from __future__ import annotations

import asyncio
import collections
import copy
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from channels.messages import Content

logger = logging.getLogger("channels.layers")

#: Drains the process's queue, and calls `deliver` for each message, until cancelled.
Drain = Callable[[], Awaitable[None]]

#: Somebody who waits looks again after this time whether the queue is being drained.
LOOK_AGAIN_S = 5.0
#: After a mistake in draining it, the queue is drained again after this time.
TRY_AGAIN_S = 0.5


class Mailboxes:
    """The messages of one process that have come out of its queue and are not received yet.

    Args:
        drain: drains the queue; see Drain.
        capacity: messages that one channel holds; those beyond are dropped.
        expiry_s: seconds that a message lives.
        on_drop: called as `on_drop(local, reason)` for a message that is "full" or "expired".
    """

    def __init__(
        self, drain: Drain, capacity: int, expiry_s: float, on_drop: Callable[[str, str], None]
    ) -> None:
        self._drain_queue, self._capacity, self._expiry_s = drain, capacity, expiry_s
        self._on_drop = on_drop
        self._lock = threading.Lock()
        self._boxes: dict[str, collections.deque[tuple[float, Content]]] = {}
        self._waiters: dict[str, collections.deque[asyncio.Future[None]]] = {}
        self._drainer: asyncio.Task[None] | None = None
        self._sweep_at_s = 0.0

    async def receive(self, local: str) -> Content:
        """Wait for the next message of a channel, and return it. Cancelling it loses none."""
        while True:
            with self._lock:
                message = self._pop(local)
                if message is not None:
                    return message
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.setdefault(local, collections.deque()).append(waiter)
            is_drained_here = self._see_to_draining()
            try:
                if is_drained_here:
                    await waiter
                else:  # that loop may be closed without a word
                    await asyncio.wait([waiter], timeout=LOOK_AGAIN_S)
            finally:
                self._stop_waiting(local, waiter)

    def deliver(self, locals_: list[str], message: Content) -> None:
        """Put a message into the mailboxes of channels, and wake those who wait for it."""
        now_s = time.monotonic()
        copied = _copier(message) if len(locals_) > 1 else None
        with self._lock:
            for local in locals_:
                box = self._boxes.setdefault(local, collections.deque())
                if len(box) >= self._capacity:
                    self._on_drop(local, "full")
                    continue
                box.append((now_s + self._expiry_s, message if copied is None else copied(message)))
                self._wake_one(local)
            self._sweep(now_s)

    def forget(self, local: str) -> None:
        """Drop what waits in the mailbox of a channel that is done with."""
        with self._lock:
            self._boxes.pop(local, None)

    def _pop(self, local: str) -> Content | None:
        box = self._boxes.get(local)
        now_s = time.monotonic()
        while box:
            expires_at_s, message = box.popleft()
            if not box:
                del self._boxes[local]
            if expires_at_s > now_s:
                return message
            self._on_drop(local, "expired")
        return None

    def _sweep(self, now_s: float) -> None:
        """Forget what nobody has received in time: its channel may be done with."""
        if now_s < self._sweep_at_s:
            return
        self._sweep_at_s = now_s + self._expiry_s
        for local in [key for key, box in self._boxes.items() if box[-1][0] <= now_s]:
            del self._boxes[local]

    # -- who waits ------------------------------------------------------------------------------

    def _wake_one(self, local: str) -> None:
        for waiter in self._waiters.get(local, ()):
            if not waiter.done():
                _wake(waiter)
                return

    def _stop_waiting(self, local: str, waiter: asyncio.Future[None]) -> None:
        with self._lock:
            waiters = self._waiters[local]
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[local]
            elif local in self._boxes:
                self._wake_one(local)  # if this one was woken, and does not take what came

    # -- draining ---------------------------------------------------------------------------------

    def _see_to_draining(self) -> bool:
        """Drain the queue in this event loop, unless that goes on in another one; return whether it
        is drained here."""
        here = asyncio.get_running_loop()
        with self._lock:
            drainer = self._drainer
            if drainer is None or drainer.done() or drainer.get_loop().is_closed():
                self._drainer = here.create_task(self._drain())
                return True
            return drainer.get_loop() is here

    async def _drain(self) -> None:
        try:
            while True:
                try:
                    await self._drain_queue()
                except Exception:
                    logger.exception("messages of this process can't be read; trying again")
                    await asyncio.sleep(TRY_AGAIN_S)
        finally:
            self._hand_on_draining()

    def _hand_on_draining(self) -> None:
        """This event loop ends: let somebody who waits in another one drain the queue."""
        mine = asyncio.get_running_loop()
        with self._lock:
            self._drainer = None
            for waiters in self._waiters.values():
                for waiter in waiters:
                    if waiter.get_loop() is not mine:
                        _wake(waiter)
                        return


def _copier(message: Content) -> Callable[[Content], Content]:
    """What makes each member of a group a message of its own: its handler may change it."""
    is_flat = not any(isinstance(value, (dict, list)) for value in message.values())
    return dict if is_flat else copy.deepcopy


def _wake(waiter: asyncio.Future[None]) -> None:
    loop = waiter.get_loop()
    if loop is _running_loop():
        _finish(waiter)  # which spares the loop a wake-up by its own pipe
        return
    try:
        loop.call_soon_threadsafe(_finish, waiter)
    except RuntimeError:
        logger.debug("an event loop was closed with a receiver in it")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
