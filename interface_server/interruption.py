"""Breaking a task out of what it waits for (`asyncio.timeout` is not there before Python 3.11)."""

import asyncio
from typing import Any


class Interruption:
    """`interrupt` breaks a task out of its await with CancelledError.

    A host may run its applications without tasks: there `task` is None, and nothing can be
    interrupted.

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
