"""How messages get to the workers that host sockets."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from channels.exceptions import ChannelFull, ChannelsError, LayerUnavailable
from channels.layers import hosting
from channels.layers.backoff import Backoff
from interface_server.asgi import Message

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

logger = logging.getLogger("interface_server")

#: Seconds between two attempts while a queue is full, or the layer away.
RETRY_S = (0.05, 1.0)


class OwnerSender:
    """Sends to the queues of workers, for as long as sockets wait."""

    def __init__(self, process: ServerProcess) -> None:
        self._process = process

    async def send(self, queue: str, message: Message) -> None:
        """Send to an owner. What is for the instances of many sockets is dropped if there is no
        room for it; the rest is tried again."""
        await self._insist(queue + hosting.LOCAL_PART, message)

    async def send_to_any(self, message: Message) -> None:
        """Put an instance where any worker finds it."""
        await self._insist(hosting.RESUME, message)

    async def tell_left(self, channel: str) -> None:
        """Tell who answers a request that its client has left."""
        await self._insist(channel, {"type": "http.disconnect"})

    async def _insist(self, channel: str, message: Message) -> None:
        loop = self._process.loop
        deadline = loop.time() + self._process.options.websocket_patience_s
        backoff = Backoff(*RETRY_S)
        may_drop = message.get("type") == hosting.MEMBERS
        while True:
            try:
                await self._process.link.send(channel, message)
                return
            except (ChannelFull, LayerUnavailable) as error:
                if may_drop or loop.time() >= deadline:
                    _tell_dropped(channel, message, error)
                    return
            except ChannelsError as error:
                _tell_dropped(channel, message, error)
                return
            await asyncio.sleep(backoff.next_s())


def _tell_dropped(channel: str, message: Message, error: Exception) -> None:
    logger.error(
        "a %s for %d instances was dropped on its way to %s: %s",
        message.get("type", "hand-over"),
        len(message.get("clients", "1")),
        channel,
        error,
    )
