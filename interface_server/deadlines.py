"""How a wait comes to an end: at its deadline, or because somebody breaks it off."""

import asyncio
from collections.abc import Callable
from typing import Any


class Deadline:
    """Calls `on_expired()` once the time last allowed has passed.

    It can be moved as often as there is progress, at the cost of one timer: moving it forward only
    notes the new time, and the timer looks at it when it fires.
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


class Interruption:
    """`interrupt` breaks a task out of its await with CancelledError.

    (`asyncio.timeout` is not there before Python 3.11.) A host may run its applications without
    tasks: there `task` is None, and nothing can be interrupted.

    The task says `catch()` in its `except CancelledError`: True means that it was this, and not
    somebody who wants the task to end.
    """

    __slots__ = ("_is_asked", "_task")

    def __init__(self, task: "asyncio.Task[Any] | None") -> None:
        self._task = task
        self._is_asked = False

    def interrupt(self) -> None:
        """Break the task out of its await."""
        if not self._is_asked and self._task is not None:
            self._is_asked = True
            self._task.cancel()

    def catch(self) -> bool:
        """Return whether the CancelledError that was caught is this interruption's."""
        if not self._is_asked:
            return False
        self._is_asked = False
        uncancel = getattr(self._task, "uncancel", None)  # Python 3.11
        return uncancel is None or uncancel() == 0
