"""What a worker holds of a Redis layer: see `channels.layers.worker_link`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.codec import UndecodableMessage
from channels.layers.redis.presence.presence import DRAIN_BYTES, DRAIN_MESSAGES
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.layers.redis.transport.plans import Post, Request, check
from channels.layers.worker_link import ForClients, WorkerLink
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer

logger = logging.getLogger("channels.layers")

#: A worker waits for a message in one go for so long.
READ_FOR_S = 3.0
#: After a mistake of ours, and between two looks at a host that is away.
PAUSE_S = 1.0
SHORT_PAUSE_S = 0.05


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
        on_message: Callable[[Content], None],
    ) -> None:
        super().__init__(worker_id, on_message)
        self._sending, self._codec, self._registry = layer.sending, layer.codec, layer.registry
        self._hosts = hosts
        self._keys = layer.keyspace.queue(self.queue)
        self._driver: Any = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._driver = AsyncDriver(self._hosts)
        self._task = asyncio.get_running_loop().create_task(self._read_forever())

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        await self._driver.close()

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

    # -- reading ------------------------------------------------------------------------------

    async def _read_forever(self) -> None:
        host = self._hosts[self._keys.host]
        while True:
            try:
                connection = await AsyncConnection(host).open()
                try:
                    await self._read_with(connection)
                finally:
                    await connection.close()
            except LayerUnavailable as error:
                logger.debug("messages for %s can't be read: %s", self.queue, error)
                await asyncio.sleep(host.health.retry_in_s or SHORT_PAUSE_S)
            except Exception:
                logger.exception("reading %s failed; trying again", self.queue)
                await asyncio.sleep(PAUSE_S)

    async def _read_with(self, connection: Any) -> None:
        """Wait for a first message; take with it, in the same round trip, what else is there."""
        pop = ("BLPOP", self._keys.queue, READ_FOR_S)
        drain = scripts.DRAIN.call([self._keys.queue], [DRAIN_MESSAGES, DRAIN_BYTES])
        while True:
            popped, drained = await connection.exchange([pop, drain], READ_FOR_S)
            expired, *found = check(drained)
            if check(popped):
                found.insert(0, popped[1])
            if expired:
                logger.warning("%d messages on %s expired unread", expired, self.queue)
            for data in found:
                self._read_one(data)

    def _read_one(self, data: bytes) -> None:
        if envelopes.kind_of(data) == envelopes.WAKE:
            return
        try:
            envelope = envelopes.parse(data)
            place = self.queue + " ".join(envelope.clients)
            message = self._codec.unpack_message(envelope.body, place, is_first=True)
        except (envelopes.MalformedEnvelope, UndecodableMessage) as error:
            logger.error("a message on %s was dropped: it can't be read: %s", self.queue, error)
            return
        self.hand_out(message)
