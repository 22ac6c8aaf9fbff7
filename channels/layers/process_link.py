"""What a process that has channels of its own holds of a layer: the queue that they share.

Class consumers that run in process, and views that wait for an answer, have channels of the form
`specific.<process>!<local>`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.layers.names import split_local
from channels.messages import Content

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer

logger = logging.getLogger("channels.layers")

#: Seconds between two attempts to reach a layer that is away.
TRY_AGAIN_S = 0.25

#: Takes a message, and the local parts of the channels that it is for.
Deliver = Callable[[list[str], Content], None]


class ProcessLink:
    """The side of one process.

    Args:
        layer: the layer.
        queue: the name of the queue; it ends with "!".
        deliver: called for each message. Must not raise.
        on_lost: called when the layer had forgotten the process, or had taken it for dead: its
            channels are in no group any more.
    """

    def __init__(
        self, layer: BaseChannelLayer, queue: str, deliver: Deliver, on_lost: Callable[[], None]
    ) -> None:
        self.queue = queue
        self._layer, self._deliver, self._on_lost = layer, deliver, on_lost

    async def enter(self) -> None:
        """Show that the process lives, before one of its channels joins a group."""

    async def read(self) -> None:
        """Read the queue, and show that the process lives, until cancelled."""
        while True:
            try:
                channel, message = await self._layer.areceive([self.queue], block=True)
            except LayerUnavailable as error:
                logger.debug("messages for %s can't be read: %s", self.queue, error)
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            if channel is not None and message is not None:
                self._deliver([split_local(channel)[1]], message)
