"""What a process that has channels of its own holds of a Redis layer: see
`channels.layers.process_link`."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from channels.layers.process_link import Deliver, ProcessLink
from channels.layers.redis.presence.queue_reader import QueueReader
from channels.layers.redis.transport.plans import Plan, Request
from channels.layers.redis.transport.wire import check

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer

logger = logging.getLogger("channels.layers")

#: A process shows that it lives this often.
BEAT_EVERY_S = 5.0
#: Its channels are in no group any more when its last sign of life is this old.
KNOWN_MS = 50_000


class RedisProcessLink(ProcessLink, QueueReader):
    """Reads in batches; the sign of life goes out with the wait for a message."""

    def __init__(
        self,
        layer: RedisChannelLayer,
        hosts: Sequence[Any],
        queue: str,
        deliver: Deliver,
        on_lost: Callable[[], None],
        run: Callable[[Plan[Any]], Awaitable[Any]],
    ) -> None:
        ProcessLink.__init__(self, layer, queue, deliver, on_lost)
        keys = layer.keyspace.queue(queue)
        QueueReader.__init__(self, hosts[keys.host], keys, layer.codec, deliver)
        self._run = run
        self._has_entered = False
        self._beat_at_s = 0.0

    async def enter(self) -> None:
        await self._run(_request(self._keys.host, self._beat()))
        self._has_entered = True

    async def read(self) -> None:
        self._beat_at_s = 0.0
        await self.read_forever()

    def more_commands(self) -> Sequence[tuple[Any, ...]]:
        if time.monotonic() < self._beat_at_s:
            return ()
        self._beat_at_s = time.monotonic() + BEAT_EVERY_S
        return (self._beat(),)

    def take_replies(self, replies: Sequence[Any]) -> None:
        for reply in replies:
            was_known = check(reply) is not None
            if not was_known and self._has_entered:
                logger.warning(
                    "the layer had forgotten this process (%s): its channels join their groups "
                    "again; what was sent to these meanwhile is lost",
                    self.queue,
                )
                self._on_lost()
            self._has_entered = True

    def _beat(self) -> tuple[Any, ...]:
        return ("SET", self._keys.known, "1", "PX", KNOWN_MS, "GET")


def _request(host: int, command: tuple[Any, ...]) -> Plan[Any]:
    """Plan: run one command."""
    (reply,) = yield [Request(host, command)]
    return check(reply)
