"""Where the events of an instance come from, and that one is handled after the other."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from channels.applications.shapes import Event

#: What waits for the next event of one kind.
NextEvent = Callable[[], Awaitable[Event]]
Dispatch = Callable[[Event], Awaitable[None]]


async def dispatch_all(sources: Iterable[NextEvent], dispatch: Dispatch) -> None:
    """Give each event of each source to `dispatch`, one at a time, until that raises.

    The next event of a source is asked for when the one before it has been handled. All handlers
    share one context, so that what one of them puts into a context variable is there in the next.
    """
    first, *others = sources
    if not others:
        while True:
            await dispatch(await first())
    lock = asyncio.Lock()
    context = contextvars.copy_context()
    tasks = [
        _start(_dispatch_one_by_one(source, dispatch, lock), context) for source in (first, *others)
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        endings = await asyncio.gather(*tasks, return_exceptions=True)
    for ending in endings:
        if ending is not None and not isinstance(ending, asyncio.CancelledError):
            raise ending


def in_own_context(dispatch: Dispatch) -> Dispatch:
    """Return what handles each event in a context of its own, as it is about another person."""

    async def dispatch_cleanly(event: Event) -> None:
        await asyncio.ensure_future(dispatch(event))  # a task has a copy of the context

    return dispatch_cleanly


async def _dispatch_one_by_one(source: NextEvent, dispatch: Dispatch, lock: asyncio.Lock) -> None:
    while True:
        event = await source()
        async with lock:
            await dispatch(event)


def _start(
    coroutine: Coroutine[Any, Any, None], context: contextvars.Context
) -> asyncio.Task[None]:
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 11):
        return loop.create_task(coroutine, context=context)
    # Before Python 3.11 each task has a copy of its own.
    return context.run(loop.create_task, coroutine)
