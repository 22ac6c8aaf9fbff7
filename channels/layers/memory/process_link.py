"""What a process that has channels of its own holds of the in-memory layer."""

from __future__ import annotations

import asyncio
from typing import Any

from channels.layers.memory.waiting import Search, TaskWaiter, search_async
from channels.layers.process_link import ProcessLink

#: Messages that are handed out before the event loop goes on to other work.
BATCH = 100


class MemoryProcessLink(ProcessLink):
    """Takes a message for many of its channels once."""

    async def read(self) -> None:
        layer: Any = self._layer
        queues = [self.queue]
        while True:
            quest = Search(
                layer,
                layer.readers,
                queues,
                lambda now: layer.store.take_batch(queues, now, BATCH),
                lambda now: layer.store.next_due(queues, now),
                TaskWaiter(),
            )
            for entry in await search_async(quest):
                delivery = layer.delivery(entry)
                if delivery is not None:
                    self._deliver(list(entry.clients), delivery.content)
            await asyncio.sleep(0)
