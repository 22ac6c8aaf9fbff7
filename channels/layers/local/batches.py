"""A queue that one process reads, in batches, for as long as it lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers.local.queues import StoredEntry
from channels.layers.local.reader import Search, search_async
from channels.layers.local.store import Store
from channels.layers.local.wakeups import TaskSleeper

if TYPE_CHECKING:
    from channels.layers.local.layer import LocalChannelLayer

logger = logging.getLogger("channels.layers")

#: Messages that are handed out before the loop goes on to other work.
BATCH = 500
#: Seconds between two attempts to reach a layer that is away.
TRY_AGAIN_S = 0.25

#: Takes a message's content and the local parts of the channels that it is for.
Give = Callable[[Any, list[str]], None]


async def read_forever(layer: LocalChannelLayer, queue: str, give: Give) -> None:
    """Call `give` for each message of a queue, until cancelled."""
    sleeper: TaskSleeper | None = None
    try:
        while True:
            try:
                sleeper = sleeper or layer.make_sleeper(TaskSleeper)
                await _read(layer, queue, give, sleeper)
            except LayerUnavailable as error:
                logger.debug("messages for %s can't be read: %s", queue, error)
                await asyncio.sleep(TRY_AGAIN_S)
    finally:
        if sleeper is not None:
            sleeper.close()


async def _read(layer: LocalChannelLayer, queue: str, give: Give, sleeper: TaskSleeper) -> None:
    def attempt(store: Store) -> list[StoredEntry] | None:
        return store.take_batch([queue], BATCH)

    for entry in await search_async(Search(layer, [queue], attempt), sleeper):
        delivery = layer.delivery(entry)
        if delivery is not None:
            give(delivery.content, list(entry.clients))
    await asyncio.sleep(0)
