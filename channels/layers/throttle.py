"""What may be told how often: at once, and then not too often, with nothing left out in the end."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Throttle(Generic[Key]):
    """Says when to tell of something again, and how often it has happened untold. Thread-safe.

    Args:
        every_s: seconds between two times that the same is told.
        clock: function that returns the time in seconds.
    """

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s, self._clock = every_s, clock
        self._lock = threading.Lock()
        #: When each was told last, and how often it has happened since.
        self._told: dict[Key, tuple[float, int]] = {}

    def note(self, key: Key, count: int = 1) -> int | None:
        """It has happened `count` times. Return None if that is to be left untold for now; else how
        often it had happened before without being told."""
        with self._lock:
            now = self._clock()
            told_at, untold = self._told.get(key, (-math.inf, 0))
            if now - told_at < self._every_s:
                self._told[key] = told_at, untold + count
                return None
            self._told[key] = now, 0
            return untold

    def take_due(self) -> list[tuple[Key, int]]:
        """Return what has been left untold for long enough, and how often it has happened; it is
        taken for told now."""
        due = []
        with self._lock:
            now = self._clock()
            for key, (told_at, untold) in list(self._told.items()):
                if now - told_at < self._every_s:
                    continue
                if untold:
                    self._told[key] = now, 0
                    due.append((key, untold))
                else:
                    del self._told[key]
        return due
