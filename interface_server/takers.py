"""Telling the operator that nobody takes what comes in: no worker runs."""

import asyncio
import logging
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

logger = logging.getLogger("interface_server")

#: A request that waits for so long may be one that nobody takes; and how often that is looked at.
_LOOK_AFTER_S = 3.0


class Takers:
    """Knows whether there are workers, and says so once when there are none, and when that is over.

    Nothing is asked for while requests are answered soon.
    """

    def __init__(self, process: "ServerProcess") -> None:
        self._process = process
        self._timer: asyncio.TimerHandle | None = None
        self._is_told = False

    def note_slow(self) -> None:
        """A request is not answered at once."""
        if self._timer is None:
            self._timer = self._process.loop.call_later(_LOOK_AFTER_S, self._look)

    async def are_there(self) -> bool | None:
        """Whether a worker lives; None if the layer does not know, or can't be asked."""
        try:
            ages_s = await self._process.link.worker_ages_s()
        except LayerUnavailable:
            return None
        return None if ages_s is None else bool(ages_s)

    def _look(self) -> None:
        self._timer = None
        if self._process.reply_queues or self._is_told:
            self._process.spawn(self._find_out())

    async def _find_out(self) -> None:
        are_there = await self.are_there()
        if are_there is False and not self._is_told:
            self._is_told = True
            logger.error(
                "nobody takes http.request: no worker runs; start manage.py runworker. Until then "
                "requests get 503 after %.0f s",
                self._process.options.http_timeout_s or float("inf"),
            )
        elif are_there and self._is_told:
            self._is_told = False
            logger.warning("a worker runs: requests are taken again")
        if self._is_told and not self._process.is_stopping:
            self.note_slow()
