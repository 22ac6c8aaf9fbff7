"""`RabbitmqWorkerLink`: the side of a worker that hosts sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.layers.worker_link import TRY_AGAIN_S, ForClients, OnMessage, WorkerLink, loads_of
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.entries import Entry
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer
    from channels.layers.rabbitmq.transport import Session

logger = logging.getLogger("channels.layers")

#: Seconds between two looks whether the connection is still the one over which messages come.
LOOK_EVERY_S = 1.0


class RabbitmqWorkerLink(WorkerLink):
    """Consumes the worker's queue, and sends what belongs together in its order."""

    def __init__(self, layer: RabbitmqChannelLayer, worker_id: str, on_message: OnMessage) -> None:
        super().__init__(worker_id, on_message)
        self._layer, self._engine = layer, layer.engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._keep_reading())

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
        sent: int = await self._engine.transport.arun(
            self._engine.run(lambda session: self._engine.send_batch(session, queue, packed))
        )
        return sent

    async def server_ages_s(self) -> dict[str, float]:
        house = self._layer.housekeeping
        ages: dict[str, float] = await self._engine.transport.arun(
            self._engine.run(lambda session: house.ages_s(session, "servers"))
        )
        return ages

    async def loads(self) -> list[int]:
        house = self._layer.housekeeping
        workers = await self._engine.transport.arun(
            self._engine.run(lambda session: house.processes(session, "workers"))
        )
        return loads_of(workers)

    async def _keep_reading(self) -> None:
        """Begin to read, and begin anew over each new connection."""
        while True:
            pause_s = LOOK_EVERY_S
            try:
                if await self._engine.transport.arun(self._engine.run(self._read)):
                    self.tell_back()
            except LayerUnavailable as error:
                logger.debug("messages for %s can't be read: %s", self.queue, error)
                pause_s = TRY_AGAIN_S
            await asyncio.sleep(pause_s)

    async def _read(self, session: Session) -> bool:
        """Have messages come over a connection; returns whether they came over another before."""
        before = self._session
        if before is not session:
            await self._engine.queues.consume(session, self.queue, self._take)
            self._session = session
        return before is not None and before is not session

    def _take(self, entry: Entry) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                self._loop.call_soon_threadsafe(self._give, entry)

    def _give(self, entry: Entry) -> None:
        delivery = self._layer.delivery(entry)
        if delivery is not None and self._task is not None:
            self.hand_out(delivery.content, list(entry.clients))
