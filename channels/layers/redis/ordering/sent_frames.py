"""The frames that went to workers, as long as one may have to be sent again. No I/O, no clock."""

import collections
import itertools
from collections.abc import Collection, Iterable
from typing import NamedTuple

#: So many bytes are kept; each frame counts for its payload, and for what keeping it costs.
KEPT_BYTES, FRAME_BYTES = 16 * 1024 * 1024, 250
#: A socket whose latest frame is this old is quiet.
QUIET_AFTER_S = 1.0

#: A frame by its client and its number.
Key = tuple[str, int]
#: The same as it was packed: client, number, payload. (A class of its own costs 0.4 µs a frame.)
SentFrame = tuple[str, int, bytes]


class _Batch(NamedTuple):
    frames: list[SentFrame]
    size: int
    at_s: float


class SentFrames:
    """Keeps frames for `life_s`, or for less if they are many: the oldest go first."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._fresh: collections.deque[_Batch] = collections.deque()
        self._old: collections.deque[_Batch] = collections.deque()
        self._bytes = 0

    def add(self, frames: list[SentFrame], now_s: float) -> None:
        """The layer has taken these."""
        size = sum(len(payload) for _, _, payload in frames) + FRAME_BYTES * len(frames)
        self._fresh.append(_Batch(frames, size, now_s))
        self._bytes += size
        self._forget(now_s - self._life_s)

    def _forget(self, until_s: float) -> None:
        for batches in (self._old, self._fresh):
            while batches and (self._bytes > KEPT_BYTES or batches[0].at_s < until_s):
                self._bytes -= batches.popleft().size

    def take_quiet(self, now_s: float) -> dict[str, int]:
        """Return the clients that have become quiet since this was last asked, and the number of
        the latest frame of each."""
        quiet: dict[str, int] = {}
        while self._fresh and self._fresh[0].at_s <= now_s - QUIET_AFTER_S:
            batch = self._fresh.popleft()
            self._old.append(batch)
            quiet.update((client, order) for client, order, _ in batch.frames)
        for client, _, _ in _all_frames(self._fresh):
            quiet.pop(client, None)
        return quiet

    def find(self, keys: Collection[Key]) -> dict[Key, tuple[bytes, float]]:
        """Return the payloads of those of these frames that are kept, and when each was sent."""
        return {
            (client, order): (payload, batch.at_s)
            for batch in itertools.chain(self._old, self._fresh)
            for client, order, payload in batch.frames
            if (client, order) in keys
        }


def _all_frames(batches: Iterable[_Batch]) -> Iterable[SentFrame]:
    return itertools.chain.from_iterable(batch.frames for batch in batches)
