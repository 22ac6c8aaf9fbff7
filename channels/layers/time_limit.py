"""A time limit on what is awaited, through which a task can always be cancelled."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


async def within(limit_s: float | None, awaitable: Awaitable[Result]) -> Result:
    """Return what `awaitable` returns; after `limit_s` cancel it, and raise asyncio.TimeoutError.

    Unlike `asyncio.wait_for` before Python 3.12 it never swallows that the task is cancelled in the
    moment in which the awaited ends: a loop that is to end would go on for ever. And it works for
    a host that runs its applications without tasks, where `asyncio.timeout` does not.

    Args:
        limit_s: in seconds; None is no limit.
    """
    future = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait([future], timeout=limit_s)
        if future.done():
            return future.result()
        raise asyncio.TimeoutError
    finally:
        if not future.done():
            future.cancel()
            await asyncio.wait([future])
        if not future.cancelled():
            future.exception()  # so that asyncio does not tell that nobody has asked for it
