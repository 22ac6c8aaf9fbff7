"""Reads the one queue of a process in batches, for as long as the process lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from channels.exceptions import LayerUnavailable
from channels.layers.codec import UndecodableMessage
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.presence.presence import DRAIN_BYTES, DRAIN_MESSAGES
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.receiving import read_taken
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.messages import Content

logger = logging.getLogger("channels.layers")

#: A process waits for a message in one go for so long.
READ_FOR_S = 3.0
#: After a mistake of ours, and between two looks at a host that is away.
PAUSE_S = 1.0
SHORT_PAUSE_S = 0.05

#: Takes a message, and the local parts of the channels that it is for.
HandOut = Callable[[list[str], Content], None]


class QueueReader:
    """Reads a queue.

    Args:
        host: the Redis that has it.
        keys: its keys.
        codec: what unpacks its messages.
        hand_out: called for each message.
        on_back: called when it reads on after its connection broke: something may be lost.
    """

    def __init__(
        self,
        host: Any,
        keys: QueueKeys,
        codec: Any,
        hand_out: HandOut,
        on_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._host, self._keys, self._codec = host, keys, codec
        self._hand_out, self._on_back = hand_out, on_back

    async def read_forever(self) -> None:
        """Read until cancelled."""
        was_open = False
        while True:
            try:
                connection = await AsyncConnection(self._host, reads=True).open()
                if was_open:
                    self._on_back()
                was_open = True
                try:
                    await self._read_with(connection)
                finally:
                    await connection.close()
            except LayerUnavailable as error:
                logger.debug("messages for %s can't be read: %s", self._keys.name, error)
                await asyncio.sleep(self._host.health.retry_in_s or SHORT_PAUSE_S)
            except Exception:
                logger.exception("reading %s failed; trying again", self._keys.name)
                await asyncio.sleep(PAUSE_S)

    def more_commands(self) -> Sequence[tuple[Any, ...]]:
        """What else goes out in the round trip that waits for a message."""
        return ()

    def take_replies(self, replies: Sequence[Any]) -> None:
        """Look at the replies to these."""

    async def _read_with(self, connection: Any) -> None:
        """Wait for a first message; take with it, in the same round trip, what else is there."""
        pop = ("BLPOP", self._keys.queue, READ_FOR_S)
        drain = scripts.DRAIN.call([self._keys.queue], [DRAIN_MESSAGES, DRAIN_BYTES])
        while True:
            commands = [*self.more_commands(), pop, drain]
            *more, popped, drained = await connection.exchange(commands, READ_FOR_S)
            self.take_replies(more)
            (expired,), found = read_taken(popped, drained, 1)
            if expired:
                logger.warning("%d messages on %s expired unread", expired, self._keys.name)
            for data in found:
                self._read_one(data)

    def _read_one(self, data: bytes) -> None:
        if envelopes.kind_of(data) == envelopes.WAKE:
            return
        try:
            envelope = envelopes.parse(data)
            place = self._keys.name + " ".join(envelope.clients)
            message = self._codec.unpack_message(envelope.body, place, is_first=True)
        except (envelopes.MalformedEnvelope, UndecodableMessage) as error:
            logger.error(
                "a message on %s was dropped: it can't be read: %s", self._keys.name, error
            )
            return
        self._hand_out(envelope.clients, message)
