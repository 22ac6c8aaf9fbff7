"""What a worker holds of a Redis layer: see `channels.layers.worker_link`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.codec import UndecodableMessage
from channels.layers.redis.presence.presence import DRAIN_BYTES, DRAIN_MESSAGES
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.transport.aio import AsyncDriver
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.layers.redis.transport.plans import check
from channels.layers.worker_link import WorkerLink
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer

logger = logging.getLogger("channels.layers")

#: A worker waits for a message in one go for so long.
READ_FOR_S = 3.0
#: After a mistake of ours, and between two looks at a host that is away.
PAUSE_S = 1.0
SHORT_PAUSE_S = 0.05


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
        self._core = layer.core
        self._hosts = hosts
        self._keys = layer.core.keyspace.queue(self.queue)
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
        await self._send(self._core.pack_send(channel, message))

    async def send_to_clients(self, queue: str, clients: Sequence[str], message: Content) -> None:
        payload = self._core.codec.pack_message(message, queue)
        # In an envelope the names of clients stand beside one another, with a space between them.
        await self._send(ops.Send(queue + " ".join(clients), payload))

    async def _send(self, operation: ops.Send) -> None:
        post = self._core.post(operation)
        if post is None:
            await self._driver.run(self._core.send(operation))
            return
        (reply,) = await self._driver.post(post)
        refusal = self._core.read_sent(operation, reply)
        if refusal is not None:
            raise refusal

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
            message = self._core.codec.unpack_message(envelopes.parse(data).body)
        except (envelopes.MalformedEnvelope, UndecodableMessage) as error:
            logger.error("a message on %s was dropped: it can't be read: %s", self.queue, error)
            return
        self.hand_out(message)
