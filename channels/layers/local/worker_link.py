"""`LocalWorkerLink`: the side of a worker that hosts sockets; see `channels.layers.worker_link`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from channels.layers.local.batches import read_forever
from channels.layers.worker_link import ForClients, OnMessage, WorkerLink, loads_of
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.local.layer import LocalChannelLayer


class LocalWorkerLink(WorkerLink):
    """Reads the worker's queue in batches, and sends a batch in one transaction."""

    def __init__(self, layer: LocalChannelLayer, worker_id: str, on_message: OnMessage) -> None:
        super().__init__(worker_id, on_message)
        self._layer = layer
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(
            read_forever(self._layer, self.queue, self.hand_out)
        )

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
        return loads_of(self._layer.living("worker"))

    async def server_ages_s(self) -> dict[str, float]:
        return ages_s(self._layer, "servers")


def ages_s(layer: LocalChannelLayer, kind: str) -> dict[str, float]:
    """The ages of the last signs of life of "servers" or "workers", in seconds, by id."""
    return {one["id"]: one["seen_s"] for one in layer.living(kind.removesuffix("s"))}
