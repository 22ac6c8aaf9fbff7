"""An async iterator, read by code that is not async."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, Iterator
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections

_END = object()


def iterate_async(parts: AsyncIterable[Any]) -> Iterator[Any]:
    """Yield what the async iterable `parts` gives, as soon as it gives it.

    It runs in an event loop of its own, and all of it in one task, so that time-outs and context
    variables inside it work; between two parts that loop stands still. Closing the generator
    cancels the task.
    """
    loop = asyncio.new_event_loop()
    relay = _Relay()
    task = loop.create_task(relay.pump(parts))
    try:
        while (part := loop.run_until_complete(relay.next_part(task))) is not _END:
            yield part
    finally:
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _Relay:
    """Hands parts over one at a time, each made when it is wanted."""

    def __init__(self) -> None:
        self._wanted = asyncio.Semaphore(0)
        self._made: asyncio.Queue[Any] = asyncio.Queue()

    async def pump(self, parts: AsyncIterable[Any]) -> None:
        # Plain code that it calls runs in a thread of its own; its database connections go with it.
        async with ThreadSensitiveContext():
            try:
                # An async generator has something to close, as most iterators have not.
                made: Any = aiter(parts)
                async with contextlib.aclosing(made) as iterator:
                    await self._wanted.acquire()
                    async for part in iterator:
                        self._made.put_nowait(part)
                        await self._wanted.acquire()
            finally:
                await sync_to_async(connections.close_all)()

    async def next_part(self, task: asyncio.Task[None]) -> Any:
        """Return the next part, or _END; raises what the iterator raised."""
        self._wanted.release()
        getter = asyncio.ensure_future(self._made.get())
        await asyncio.wait([getter, task], return_when=asyncio.FIRST_COMPLETED)
        if getter.done():
            return getter.result()
        getter.cancel()
        task.result()
        return _END
