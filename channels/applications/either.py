"""A function that both generations call by one name: at once with a message of 1.x, and awaited
with a scope."""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import SyncToAsync, markcoroutinefunction

from channels.message import Message

#: `asgiref.sync` marks coroutine functions that are no `async def` with one of these.
_MARKS = ("_is_coroutine_marker", "_is_coroutine_mark", "_is_coroutine")
#: So far up the stack is who asks whether it is a coroutine function.
_FRAMES = 6


class EitherCall:
    """Calls `at_once` if the first argument is a Message, and else `awaited`.

    `async_to_sync()` wants to be given what is marked as a coroutine function, and
    `sync_to_async()` refuses that. It is used with both, so it says that it is one to all but
    `sync_to_async()`.
    """

    def __init__(
        self, at_once: Callable[..., None], awaited: Callable[..., Awaitable[None]]
    ) -> None:
        self._at_once, self._awaited = at_once, awaited
        functools.update_wrapper(self, at_once)

    def __call__(self, scope: Any, *args: Any, **kwargs: Any) -> Any:
        act = self._at_once if isinstance(scope, Message) else self._awaited
        return act(scope, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in _MARKS and not _is_sync_to_async_asking():
            return getattr(_marked, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


@markcoroutinefunction
def _marked() -> None:
    """Something with the mark of this version of Python and asgiref."""


def _is_sync_to_async_asking() -> bool:
    frame = sys._getframe(1)
    for _ in range(_FRAMES):
        if frame.f_code is SyncToAsync.__init__.__code__:
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False
