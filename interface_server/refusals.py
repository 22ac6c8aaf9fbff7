"""Telling the operator that clients are turned away, without a line for each of them."""

import logging
from collections.abc import Callable

from channels.layers.throttle import Throttle

logger = logging.getLogger("interface_server")

#: Seconds between two lines about the same channel.
EVERY_S = 5.0


class RefusalLog:
    """Logs refusals: the first at once, those that follow in one line every few seconds.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._throttle: Throttle[str] = Throttle(EVERY_S, clock)

    def note(self, channel: str, error: Exception, consequence: str) -> None:
        """Note that `error` on `channel` had a `consequence` for one client."""
        untold = self._throttle.note(channel)
        if untold is not None:
            more = f" (as did {untold} more in the meantime)" if untold else ""
            logger.warning("%s; its client gets %s%s", error, consequence, more)
