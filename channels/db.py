"""Database work from coroutines, at its Channels 2 import path."""

from __future__ import annotations

import asyncio
from typing import Any

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import close_old_connections

__all__ = [
    "DatabaseSyncToAsync",
    "aclose_old_connections",
    "close_old_connections",
    "database_sync_to_async",
]


class DatabaseSyncToAsync(SyncToAsync[Any, Any]):
    """`asgiref.sync.sync_to_async` for functions that use the database: connections that are too
    old or broken are closed before and after, as Django does around a request."""

    def thread_handler(self, loop: asyncio.AbstractEventLoop, *args: Any, **kwargs: Any) -> Any:
        close_old_connections()
        try:
            return super().thread_handler(loop, *args, **kwargs)  # type: ignore[no-untyped-call]
        finally:
            close_old_connections()


#: The name to use it by: `await database_sync_to_async(load)(key)`, or as a decorator.
database_sync_to_async = DatabaseSyncToAsync


async def aclose_old_connections() -> None:
    """Close connections that are too old or broken, for code that uses Django's async ORM."""
    await sync_to_async(close_old_connections)()
