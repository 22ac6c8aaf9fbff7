"""`LocalProcessLink`: what a process that has channels of its own holds of the local layer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.layers.local.batches import read_forever
from channels.layers.local.store import Store
from channels.layers.process_link import ProcessLink

if TYPE_CHECKING:
    from channels.layers.local.layer import LocalChannelLayer
    from channels.messages import Content

logger = logging.getLogger("channels.layers")

#: Seconds between two looks whether the layer still knows the process.
LOOK_EVERY_S = 2.0


class LocalProcessLink(ProcessLink):
    """Its channels leave their groups when the process dies: see Housekeeping."""

    async def enter(self) -> None:
        layer: LocalChannelLayer = self._layer  # type: ignore[assignment]
        layer.run(self._enter)

    def _enter(self, store: Store) -> bool:
        """Enter the process into the registry; returns whether it was there."""
        was_known = store.servers.is_entered("process", self.queue)
        store.servers.enter("process", self.queue, store.owner, b"\x80")
        return was_known

    async def read(self) -> None:
        layer: LocalChannelLayer = self._layer  # type: ignore[assignment]
        watching = asyncio.ensure_future(self._watch(layer))
        try:
            await self.enter()
            await read_forever(layer, self.queue, self._give)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            with contextlib.suppress(LayerUnavailable):
                layer.run(lambda store: store.servers.leave("process", self.queue))

    def _give(self, content: Content, local_parts: list[str]) -> None:
        self._deliver(local_parts, content)

    async def _watch(self, layer: LocalChannelLayer) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                was_known = layer.run(self._enter)
            except LayerUnavailable as error:
                logger.debug("no sign of life of %s: %s", self.queue, error)
                continue
            if not was_known:
                self._on_lost()
