"""What a worker that hosts sockets holds of a layer: a queue of its own, and a way to its clients.

The queue of worker `web1-4711-Ab12cd` is `worker.web1-4711-Ab12cd!`. Interface servers put there
what is for sockets that it hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from channels.exceptions import ChannelFull, LayerUnavailable
from channels.layers.names import split_local
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer

logger = logging.getLogger("channels.layers")

#: What the names of workers' queues begin with.
WORKER_QUEUE = "worker"
#: What the names of the queues begin with in which workers are told what to do.
ORDERS_QUEUE = "worker-orders"
#: Seconds between two attempts to reach a layer that is away.
TRY_AGAIN_S = 0.25


def worker_queue(worker_id: str) -> str:
    """Return the name of a worker's queue."""
    return f"{WORKER_QUEUE}.{worker_id}!"


def orders_queue(worker_id: str) -> str:
    """Return the name of the queue in which a worker is told what to do."""
    return f"{ORDERS_QUEUE}.{worker_id}!"


def worker_id_of(queue: str) -> str:
    """Return the id of the worker whose queue this is."""
    return queue[len(WORKER_QUEUE) + 1 : -1]


#: What a worker is called with for each message.
OnMessage: TypeAlias = Callable[[Content, Sequence[str]], None]


#: Who has given no sign of life for so long takes no sockets: there is one every 2 s.
STANDS_STILL_S = 6.0


def loads_of(workers: Iterable[Mapping[str, Any]]) -> list[int]:
    """How many sockets each of these workers hosts, by what the registry has of them; those that
    host no applications, are full, or stand still, are left out."""
    return [
        worker["sockets"]
        for worker in workers
        if type(worker.get("sockets")) is int
        if not worker.get("is_full") and worker["seen_s"] < STANDS_STILL_S
    ]


class ForClients(NamedTuple):
    """A message, and the ids of the clients that it is for."""

    clients: list[str]
    message: Content


class WorkerLink:
    """The side of one worker. Used on one event loop.

    `on_message(message, local_parts)` is called there for each message in the worker's queue, in
    order, with what stands behind the "!" in the names of the channels that it is for.

    Attributes:
        queue: the name of the worker's queue; it ends with "!".
    """

    def __init__(self, worker_id: str, on_message: OnMessage) -> None:
        self.queue = worker_queue(worker_id)
        self._on_message = on_message
        self._on_back: Callable[[], None] | None = None

    def call_when_back(self, on_back: Callable[[], None]) -> None:
        """Have this called each time that the way to the layer is back after it broke: what was
        under way may be lost, or come again."""
        self._on_back = on_back

    def tell_back(self) -> None:
        """The way to the layer is back."""
        if self._on_back is not None:
            self._on_back()

    async def start(self) -> None:
        """Begin to read. Returns at once, even if the layer is away."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop reading; nobody will read this queue any more."""
        raise NotImplementedError

    async def send(self, channel: str, message: Content) -> None:
        """Send; raises as `BaseChannelLayer.send` does."""
        raise NotImplementedError

    async def send_batch(self, queue: str, batch: Sequence[ForClients]) -> int:
        """Send messages to clients of one server, in order; return how many of them were sent: the
        others found no room. `queue` is that of the server's sockets.

        A message to several clients counts once against the capacity of the queue. Raises
        LayerUnavailable.
        """
        raise NotImplementedError

    async def server_ages_s(self) -> dict[str, float] | None:
        """As `ServerLink.worker_ages_s`, for interface servers."""
        return None

    async def loads(self) -> list[int]:
        """Return how many sockets each living worker hosts, of those with room; empty if the
        layer does not know."""
        return []

    def hand_out(self, message: Content, local_parts: Sequence[str]) -> None:
        """Give a message to the worker, whatever comes of it."""
        try:
            self._on_message(message, local_parts)
        except Exception:
            logger.exception("a message on %s was dropped: the worker failed", self.queue)


class ReceivingWorkerLink(WorkerLink):
    """A WorkerLink over `areceive` and `asend`, for a layer that gives none of its own."""

    def __init__(self, layer: BaseChannelLayer, worker_id: str, on_message: OnMessage) -> None:
        super().__init__(worker_id, on_message)
        self._layer = layer
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def send(self, channel: str, message: Content) -> None:
        await self._layer.asend(channel, message)

    async def send_batch(self, queue: str, batch: Sequence[ForClients]) -> int:
        for count, (clients, message) in enumerate(batch):
            for place, client in enumerate(clients):
                try:
                    await self._layer.asend(queue + client, message)
                except (ChannelFull, self._layer.ChannelFull):
                    del clients[:place]
                    return count
        return len(batch)

    async def _read(self) -> None:
        while True:
            try:
                channel, message = await self._layer.areceive([self.queue], block=True)
                if channel is not None and message is not None:
                    self.hand_out(message, [split_local(channel)[1]])
            except LayerUnavailable:
                await asyncio.sleep(TRY_AGAIN_S)
