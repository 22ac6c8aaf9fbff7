"""Looks after the workers that host sockets of this process: who dies is noticed within 15 s."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.layers.watch import LifeWatch
from channels.layers.worker_link import worker_id_of

if TYPE_CHECKING:
    from interface_server.owners.table import Owners
    from interface_server.process import ServerProcess

logger = logging.getLogger("interface_server")

#: Seconds between two looks. A worker gives a sign of life every 2 s.
LOOK_EVERY_S = 2.0
#: A worker that has given none for so long is dead: with the two above, that is 13 s at most.
DEAD_AFTER_S = 9.0
#: For so long the signs must have been looked at, and a gap between two looks is longer than that.
CALM_S, LONGEST_GAP_S = 4.0, 5.0


class OwnerWatch:
    """Tells the Owners of workers that are dead."""

    def __init__(self, process: ServerProcess, owners: Owners) -> None:
        self._process, self._owners = process, owners
        self._watch = LifeWatch(DEAD_AFTER_S, CALM_S, LONGEST_GAP_S)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, unless that is done already."""
        if self._task is None:
            self._task = self._process.loop.create_task(self._look_forever())

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look()
            except LayerUnavailable as error:
                self._watch.note_gap()
                logger.debug("the workers can't be looked after: %s", error)
            except Exception:
                logger.exception("looking after the workers failed; trying again")

    async def _look(self) -> None:
        ages_s = await self._process.link.worker_ages_s()
        if ages_s is None:
            return
        queues = {worker_id_of(queue): queue for queue in self._owners.queues()}
        for worker_id in self._watch.find_dead(queues, ages_s, self._process.loop.time()):
            self._owners.lose(queues[worker_id])
