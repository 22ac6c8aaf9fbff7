"""Tasks that have nothing to do just now, and may have soon."""

from __future__ import annotations

import asyncio
from typing import Protocol

#: What has had nothing to do for one to two times as long ends.
LINGER_S = 1.0


class Idle(Protocol):
    """One who lingers."""

    def end_if_idle(self) -> None:
        """End, unless there is something to do."""


class Lingering:
    """Ends those who have been idle at two looks in a row.

    Args:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._new: set[Idle] = set()
        self._old: set[Idle] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: Idle) -> None:
        """Somebody has become idle."""
        self._new.add(one)
        self._old.discard(one)
        if self._timer is None:
            self._timer = self._loop.call_later(LINGER_S, self._look)

    def forget(self, one: Idle) -> None:
        """Somebody has ended: what it holds, as the connection of a closed socket, goes at once."""
        self._new.discard(one)
        self._old.discard(one)

    def _look(self) -> None:
        old, self._old, self._new = self._old, self._new, set()
        for one in old:
            one.end_if_idle()
        self._timer = self._loop.call_later(LINGER_S, self._look) if self._old else None
