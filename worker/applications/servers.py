"""Looks after the interface servers whose sockets are hosted here: who dies is noticed within a
minute, and its sockets are said goodbye to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from channels.exceptions import LayerUnavailable
from channels.layers.names import split_reply_channel
from channels.layers.watch import LifeWatch
from channels.layers.worker_link import WorkerLink

logger = logging.getLogger("django.channels")

#: Seconds between two looks, and the age of the last sign of life of a server that is dead.
LOOK_EVERY_S, DEAD_AFTER_S = 5.0, 40.0
#: For so long the signs must have been looked at, and a gap between two looks is longer than that.
CALM_S, LONGEST_GAP_S = 10.0, 12.0


def server_of(reply_channel: str) -> str:
    """Return the id of the interface server that has a socket."""
    name = split_reply_channel(reply_channel)
    return "" if name is None else name.server_id


class ServerWatch:
    """Calls `on_dead(server_id)` for each server that dies.

    Args:
        link: tells of signs of life.
        servers: gives the ids of the servers that matter.
    """

    def __init__(
        self,
        link: WorkerLink,
        servers: Callable[[], Iterable[str]],
        on_dead: Callable[[str], None],
    ) -> None:
        self._link, self._servers, self._on_dead = link, servers, on_dead
        self._watch = LifeWatch(DEAD_AFTER_S, CALM_S, LONGEST_GAP_S)

    async def look_forever(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look()
            except LayerUnavailable as error:
                self._watch.note_gap()
                logger.debug("the interface servers can't be looked after: %s", error)
            except Exception:
                logger.exception("looking after the interface servers failed; trying again")

    async def _look(self) -> None:
        ages_s = await self._link.server_ages_s()
        if ages_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        for server_id in self._watch.find_dead(set(self._servers()), ages_s, now_s):
            self._on_dead(server_id)
