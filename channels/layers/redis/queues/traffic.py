"""How many messages of plain channels a process has sent and taken in the last minute."""

import collections
import time
from collections.abc import Callable
from typing import NamedTuple

#: What a message can be.
SENT, TAKEN = "sent", "taken"
#: Figures are kept for tenths of a second, so many of them.
TENTHS = 600
#: Messages of sockets: what becomes of these in trouble is told for each socket.
_OF_SOCKETS = "websocket."


class _Bucket(NamedTuple):
    tenth: int
    counts: "collections.Counter[tuple[str, str]]"


class Traffic:
    """Counts messages by what they were and their channel. A count of two threads at the same
    moment may get lost."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: collections.deque[_Bucket] = collections.deque(maxlen=TENTHS)
        self._latest = _Bucket(-1, collections.Counter())

    def note(self, what: str, channel: str) -> None:
        """A message was sent or taken. Those of processes and sockets are passed over."""
        if "!" in channel or "?" in channel or channel.startswith(_OF_SOCKETS):
            return
        tenth = int(self._clock() * 10)
        bucket = self._latest
        if bucket.tenth != tenth:
            bucket = self._latest = _Bucket(tenth, collections.Counter())
            self._buckets.append(bucket)
        bucket.counts[what, channel] += 1

    def between(self, what: str, since_s: float, until_s: float) -> "collections.Counter[str]":
        """The messages of a span of time (of the clock), by channel."""
        found: collections.Counter[str] = collections.Counter()
        for bucket in list(self._buckets):
            if int(since_s * 10) <= bucket.tenth <= int(until_s * 10):
                for (kind, channel), count in list(bucket.counts.items()):
                    if kind == what:
                        found[channel] += count
        return found
