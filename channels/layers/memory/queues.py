"""One queue of messages, and what is counted of it. Times are in seconds, and passed in."""

from __future__ import annotations

import collections
import dataclasses
import heapq
import itertools
from collections.abc import Collection
from typing import NamedTuple

from channels.layers.counts import tell_lost
from channels.layers.entries import Entry

#: What a queue counts from its beginning, beside the state that `statistics` adds.
COUNTED = (
    "messages_count",
    "channel_full_count",
    "expired_count",
    "dropped_count",
    "lost_count",
    "undecodable_count",
    "dead_letter_count",
)
#: Dead letters kept of one queue; older ones go.
DEAD_LETTERS = 1_000
#: Seconds over which messages_count_per_second is taken.
RATE_WINDOW_S = 10.0

_sequence = itertools.count(1)


class KeptLetter(NamedTuple):
    """A message that was given up."""

    id: str
    at: float
    entry: Entry
    reason: str


class Rate:
    """Events per second over the last RATE_WINDOW_S, from two counters."""

    __slots__ = ("_began_at", "_now", "_before")

    def __init__(self) -> None:
        self._now = self._before = 0
        self._began_at = 0.0

    def add(self, now: float) -> None:
        self._turn_to(now)
        self._now += 1

    def per_second(self, now: float) -> float:
        self._turn_to(now)
        left = 1 - (now - self._began_at) / RATE_WINDOW_S
        return (self._before * left + self._now) / RATE_WINDOW_S

    def _turn_to(self, now: float) -> None:
        age = now - self._began_at
        if age >= RATE_WINDOW_S:
            self._before = self._now if age < 2 * RATE_WINDOW_S else 0
            self._now = 0
            self._began_at = now - now % RATE_WINDOW_S


class Queue:
    """Messages that wait in order, messages that are not due yet, dead letters and counts."""

    __slots__ = (
        "name",
        "capacity",
        "expiry_s",
        "entries",
        "scheduled",
        "dead_letters",
        "counts",
        "rate",
        "last_served",
        "touched_at",
    )

    def __init__(self, name: str, capacity: int, expiry_s: float) -> None:
        self.name = name
        self.capacity = capacity
        self.expiry_s = expiry_s
        self.entries: collections.deque[Entry] = collections.deque()
        #: When each is due, what tells those of one moment apart, and the entry.
        self.scheduled: list[tuple[float, int, Entry]] = []
        self.dead_letters: list[KeptLetter] = []
        self.counts: collections.Counter[str] = collections.Counter()
        self.rate = Rate()
        #: When it last gave a message, as a number that rises: the smallest is served next.
        self.last_served = 0
        self.touched_at = 0.0

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= self.capacity

    @property
    def is_idle(self) -> bool:
        """Whether it holds nothing but counts."""
        return not (self.entries or self.scheduled or self.dead_letters)

    def push(self, clients: tuple[str, ...], payload: bytes, now: float) -> None:
        """Append a new message."""
        self.entries.append(Entry(self.name, clients, payload, now, now + self.expiry_s))
        self._count_sent(now)

    def push_late(self, client: str, payload: bytes, now: float, delay_s: float) -> None:
        """Keep a new message until it is due; its expiry counts from then on."""
        due = now + delay_s
        self.schedule(Entry(self.name, (client,), payload, due, due + self.expiry_s), due)
        self._count_sent(now)

    def schedule(self, entry: Entry, due: float) -> None:
        """Keep `entry` until `due`."""
        heapq.heappush(self.scheduled, (due, next(_sequence), entry))

    def catch_up(self, now: float) -> tuple[int, bool]:
        """Bring the queue up to `now`: (number of messages now due, whether expiry made room)."""
        self.touched_at = now
        due = 0
        while self.scheduled and self.scheduled[0][0] <= now:
            self.entries.append(heapq.heappop(self.scheduled)[2])
            due += 1
        was_full = self.is_full
        while self.entries and self.entries[0].expires_at <= now:
            self.count("expired_count", len(self.entries.popleft().clients))
        return due, was_full and not self.is_full

    def pop(self) -> Entry:
        """Take the first message, for one client. The queue has caught up, and is not empty."""
        self.last_served = next(_sequence)
        entry = self.entries[0]
        if len(entry.clients) == 1:
            return self.entries.popleft()
        first = dataclasses.replace(entry, clients=entry.clients[:1])
        entry.clients = entry.clients[1:]
        return first

    def bury(self, entry: Entry, reason: str, now: float) -> None:
        """Keep `entry` among the dead letters."""
        self.dead_letters.append(KeptLetter(str(next(_sequence)), now, entry, reason))
        self.count("dead_letter_count")
        if len(self.dead_letters) > DEAD_LETTERS:
            del self.dead_letters[0]
            self.count("dropped_count")

    def exhume(self, ids: Collection[str] | None) -> list[KeptLetter]:
        """Take out the dead letters with these ids, or all if None; return them."""
        found = [each for each in self.dead_letters if ids is None or each.id in ids]
        taken = {each.id for each in found}
        self.dead_letters = [each for each in self.dead_letters if each.id not in taken]
        return found

    def count(self, statistic: str, number: int = 1) -> None:
        """Add to one of COUNTED."""
        self.counts[statistic] += number
        tell_lost(self.name, statistic, number)

    def statistics(self, now: float) -> dict[str, float]:
        """The counts of a queue that has caught up, as `channel_statistics` returns them."""
        age = now - self.entries[0].sent_at if self.entries else 0.0
        return {
            **{name: self.counts[name] for name in COUNTED},
            "messages_count_per_second": self.rate.per_second(now),
            "messages_pending": len(self.entries),
            "messages_max_age": age,
        }

    def _count_sent(self, now: float) -> None:
        self.counts["messages_count"] += 1
        self.rate.add(now)
        self.touched_at = now
