"""A deadline that can be moved as often as there is progress, at the cost of one timer."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `on_expired()` once the time last allowed has passed.

    Moving it forward only notes the new time; the timer looks at it when it fires.
    """

    __slots__ = ("_handle", "_loop", "_on_expired", "_time")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_expired: Callable[[], None]) -> None:
        self._loop = loop
        self._on_expired = on_expired
        self._handle: asyncio.TimerHandle | None = None
        self._time: float | None = None

    def allow(self, seconds: float | None) -> None:
        """Expire in `seconds` from now, whatever was allowed before; None: never."""
        if seconds is None:
            self._time = None
            return
        self._time = self._loop.time() + seconds
        if self._handle is not None and self._handle.when() > self._time:
            self.cancel()
        if self._handle is None:
            self._handle = self._loop.call_at(self._time, self._look)

    def cancel(self) -> None:
        """Never expire."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        self._handle = None
        if self._time is None:
            return
        if self._loop.time() >= self._time:
            self._on_expired()
        else:
            self._handle = self._loop.call_at(self._time, self._look)
