"""What a worker holds of a Redis layer: see `channels.layers.worker_link`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from channels.layers import operations as ops
from channels.layers.redis.presence.queue_reader import QueueReader
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.plans import Post, Request
from channels.layers.redis.transport.wire import check
from channels.layers.worker_link import ForClients, OnMessage, WorkerLink, loads_of
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer


def _send_together(posts: list[Post]) -> Generator[Any, Any, int]:
    """Plan: send messages to one queue, all of them or none; returns how many were sent."""
    first = posts[0]
    call = first.script.call(first.keys, (*first.args, *(post.rest for post in posts)))
    (reply,) = yield [Request(first.request.host, call)]
    return len(posts) if check(reply) else 0


class RedisWorkerLink(WorkerLink):
    """Reads the worker's queue in batches, and sends in pipelines."""

    def __init__(
        self,
        layer: RedisChannelLayer,
        hosts: Sequence[Any],
        worker_id: str,
        on_message: OnMessage,
    ) -> None:
        super().__init__(worker_id, on_message)
        self._sending, self._codec, self._registry = layer.sending, layer.codec, layer.registry
        self._hosts = hosts
        keys = layer.keyspace.queue(self.queue)
        self._reader = QueueReader(hosts[keys.host], keys, layer.codec, self._take, self.tell_back)
        self._driver: Any = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._driver = AsyncDriver(self._hosts)
        self._task = asyncio.get_running_loop().create_task(self._reader.read_forever())

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        await self._driver.close()

    def _take(self, clients: list[str], message: Content) -> None:
        self.hand_out(message, clients)

    # -- sending ------------------------------------------------------------------------------

    async def send(self, channel: str, message: Content) -> None:
        await self._driver.run(self._sending.send(self._sending.pack(channel, message)))

    async def send_batch(self, queue: str, batch: Sequence[ForClients]) -> int:
        made = (self._post(queue, clients, message) for clients, message in batch)
        posts = [post for post in made if post is not None]
        return int(await self._driver.run(_send_together(posts)))

    def _post(self, queue: str, clients: list[str], message: Content) -> Post | None:
        # In an envelope the names of clients stand beside one another, with a space between them.
        place = queue + " ".join(clients)
        return self._sending.post(ops.Send(place, self._codec.pack_message(message, place)))

    async def server_ages_s(self) -> dict[str, float] | None:
        ages_s: dict[str, float] = await self._driver.run(self._registry.ages_s("servers"))
        return ages_s

    async def loads(self) -> list[int]:
        workers = await self._driver.run(self._registry.processes("workers"))
        return loads_of(workers)
