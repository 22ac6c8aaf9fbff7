"""What was noted of late, by key. No I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps values by key, each for `kept_s` seconds at least: old ones go when new ones come.

    Iterating gives the keys, the oldest first.
    """

    def __init__(self, kept_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept_s, self._clock = kept_s, clock
        self._values: dict[Key, tuple[float, Value]] = {}

    def note(self, key: Key, value: Value) -> None:
        """Keep a value, in place of the one before it."""
        now_s = self._clock()
        while self._values:
            oldest = next(iter(self._values))
            if self._values[oldest][0] >= now_s - self._kept_s:
                break
            del self._values[oldest]
        self._values.pop(key, None)
        self._values[key] = now_s, value

    def get(self, key: Key) -> Value | None:
        """Return the value of a key; None if there is none."""
        found = self._values.get(key)
        return None if found is None else found[1]

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)
