"""What a process is told by the others: what is new, and which clients can't be written to."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgpack

from channels.layers.rabbitmq.topology import Topology
from channels.layers.rabbitmq.transport import Session

if TYPE_CHECKING:
    from channels.layers.entries import Entry

#: Word of what is new that may wait for a process.
KEPT = 10_000
#: Seconds for which clients that have left are remembered.
REMEMBERED_S = 600.0


def pack_word(count: int, is_front: bool) -> bytes:
    """The word of so many new messages of a channel, or of so many in front of it."""
    return b"%s%d" % (b"front " if is_front else b"", count)


def read_word(word: bytes) -> tuple[int, bool]:
    """The number, and whether they lie in front."""
    head, _, number = word.rpartition(b" ")
    return int(number), bool(head)


class Notices:
    """The queue of this process alone, and what was heard from it."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        #: How many messages a channel may have, by what was told.
        self._hints: collections.Counter[str] = collections.Counter()
        #: How many of them lie in front.
        self._fronts: collections.Counter[str] = collections.Counter()
        #: How often this process was told of something new on a channel.
        self._told: collections.Counter[str] = collections.Counter()
        #: The events that those wait for who wait for a channel.
        self._waiters: dict[str, set[asyncio.Event]] = {}
        #: (queue, client; "" for all) -> (state, since when).
        self._states: dict[tuple[str, str], tuple[str, float]] = {}
        #: Called when the layer was flushed.
        self.on_flush: list[Callable[[], None]] = []
        self._flushed_at = 0.0
        self._bound: set[str] = set()

    async def open(self, session: Session) -> None:
        """Listen over a new connection."""
        channel = await session.open_channel()
        limits = {"x-max-length": KEPT, "x-overflow": "drop-head"}
        declared = await channel.queue_declare("", exclusive=True, arguments=limits)
        session.notice_queue = declared.queue
        await channel.queue_bind(session.notice_queue, self._topology.news)
        await channel.basic_consume(session.notice_queue, self._hear, no_ack=True)
        for name in list(self._bound):
            await self.listen(session, [name])
        for event in self._all_events():
            event.set()

    async def listen(self, session: Session, channels: Iterable[str]) -> None:
        """Hear of what is new on these channels from now on."""
        for name in channels:
            if name in session.heard:
                continue
            for exchange in (self._topology.wake, self._topology.due):
                await session.telling.queue_bind(session.notice_queue, exchange, name)
            session.heard.add(name)
            self._bound.add(name)

    async def _hear(self, message: Any) -> None:
        delivery = message.delivery
        if delivery.exchange != self._topology.news:
            name = delivery.routing_key
            is_due = delivery.exchange == self._topology.due  # a copy of the message itself
            count, is_front = (1, True) if is_due else read_word(message.body)
            self._told[name] += 1
            self._hints[name] += count
            if is_front:
                self._fronts[name] += count
            for event in self._waiters.get(name, ()):
                event.set()
            return
        self._learn(msgpack.unpackb(message.body, raw=False))

    def _learn(self, news: dict[str, Any]) -> None:
        if news.get("flushed"):
            self._states.clear()
            self._hints.clear()
            self._fronts.clear()
            self._flushed_at = time.time()
            for call in list(self.on_flush):
                call()
        for queue, client, state in news.get("states", ()):
            self.note(queue, client, state)

    async def announce(self, session: Session, news: dict[str, Any]) -> None:
        """Tell all processes, this one at once."""
        self._learn(news)
        await session.telling.basic_publish(
            msgpack.packb(news), exchange=self._topology.news, routing_key=""
        )

    # -- who can't be written to ------------------------------------------------------------------

    def note(self, queue: str, client: str, state: str | None) -> None:
        """Note "held" or "gone" of a client, or of a whole queue; None forgets it."""
        if state is None:
            self._states.pop((queue, client), None)
        else:
            self._states[queue, client] = (state, time.monotonic())

    def state_of(self, queue: str, client: str) -> str | None:
        """ "held", "gone" or None."""
        if "!" not in queue:
            return None
        found = self._states.get((queue, "")) or self._states.get((queue, client))
        return None if found is None else found[0]

    def forget_old(self) -> None:
        """Forget who has been gone for long."""
        old = time.monotonic() - REMEMBERED_S
        self._states = {key: each for key, each in self._states.items() if each[1] > old}

    def was_flushed(self, entry: Entry) -> bool:
        """Whether the layer was flushed since an entry was sent."""
        return bool(entry.sent_at <= self._flushed_at)

    # -- who waits --------------------------------------------------------------------------------

    def add_waiter(self, channels: Iterable[str], event: asyncio.Event) -> None:
        for name in channels:
            self._waiters.setdefault(name, set()).add(event)

    def remove_waiter(self, channels: Iterable[str], event: asyncio.Event) -> None:
        for name in channels:
            self._waiters.get(name, set()).discard(event)

    def _all_events(self) -> set[asyncio.Event]:
        return {event for events in self._waiters.values() for event in events}

    # -- what was told of -------------------------------------------------------------------------

    def has_hint(self, name: str) -> bool:
        """Whether a channel may have something."""
        return self._hints[name] > 0

    def has_front(self, name: str) -> bool:
        """Whether that may lie in front."""
        return self._fronts[name] > 0

    def told_count(self, name: str) -> int:
        """How often this process was told of something new on a channel: see `note_empty`."""
        return self._told[name]

    def expect_front(self, name: str) -> None:
        """This process has put something in front: it looks there first, before word of it comes
        round."""
        self._told[name] += 1
        self._hints[name] = max(self._hints[name], 1)
        self._fronts[name] = max(self._fronts[name], 1)

    def note_taken(self, name: str, left: int, *, from_front: bool) -> None:
        """Something was there; `left` more messages were behind it, told of or not."""
        self._hints[name] = max(self._hints[name] - 1, left)
        if from_front:
            self._fronts[name] = max(self._fronts[name] - 1, left)

    def note_empty(self, name: str, told_count: int, *, front_only: bool) -> None:
        """Nothing was there; `told_count` is from before it was looked for. What was told since may
        have come just after the look, so it stays."""
        if self._told[name] != told_count:
            return
        self._fronts.pop(name, None)
        if not front_only:
            self._hints.pop(name, None)
