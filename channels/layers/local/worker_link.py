"""`LocalWorkerLink`: the side of a worker that hosts sockets; see `channels.layers.worker_link`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.layers.local.queues import StoredEntry
from channels.layers.local.reader import Search, search_async
from channels.layers.local.store import Store
from channels.layers.local.wakeups import TaskSleeper
from channels.layers.worker_link import TRY_AGAIN_S, ForClients, OnMessage, WorkerLink, loads_of
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.local.layer import LocalChannelLayer

logger = logging.getLogger("channels.layers")

#: Messages that are handed out before other work of the loop gets its turn.
BATCH = 500


class LocalWorkerLink(WorkerLink):
    """Reads the worker's queue in batches, and sends a batch in one transaction."""

    def __init__(self, layer: LocalChannelLayer, worker_id: str, on_message: OnMessage) -> None:
        super().__init__(worker_id, on_message)
        self._layer = layer
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._read_forever())

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def send(self, channel: str, message: Content) -> None:
        await self._layer.asend(channel, message)

    async def send_batch(self, queue: str, batch: Sequence[ForClients]) -> int:
        pack = self._layer.codec.pack_message
        packed = [(clients, pack(message, queue)) for clients, message in batch]
        return self._layer.run(lambda store: store.send_batch(queue, packed))

    async def loads(self) -> list[int]:
        workers = self._layer.status()["workers"]
        return loads_of(workers)

    async def server_ages_s(self) -> dict[str, float]:
        return ages_s(self._layer, "servers")

    async def _read_forever(self) -> None:
        sleeper: TaskSleeper | None = None
        try:
            while True:
                try:
                    sleeper = sleeper or self._layer.make_sleeper(TaskSleeper)
                    await self._read(sleeper)
                except LayerUnavailable as error:
                    logger.debug("messages for %s can't be read: %s", self.queue, error)
                    await asyncio.sleep(TRY_AGAIN_S)
        finally:
            if sleeper is not None:
                sleeper.close()

    async def _read(self, sleeper: TaskSleeper) -> None:
        def attempt(store: Store) -> list[StoredEntry] | None:
            return store.take_batch([self.queue], BATCH)

        for entry in await search_async(Search(self._layer, [self.queue], attempt), sleeper):
            delivery = self._layer.delivery(entry)
            if delivery is not None:
                self.hand_out(delivery.content, entry.clients)
        await asyncio.sleep(0)


def ages_s(layer: LocalChannelLayer, kind: str) -> dict[str, float]:
    """The ages of the last signs of life of "servers" or "workers", in seconds, by id."""
    return {one["id"]: one["seen_s"] for one in layer.status()[kind]}
