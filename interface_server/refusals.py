"""Telling the operator that clients are turned away, without a line for each of them."""

import logging
from collections.abc import Callable

logger = logging.getLogger("interface_server")

#: Seconds between two lines about the same channel.
EVERY_S = 5.0


class RefusalLog:
    """Logs refusals: the first at once, those that follow in one line every few seconds.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lines: dict[str, tuple[float | None, int]] = {}

    def note(self, channel: str, error: Exception, consequence: str) -> None:
        """Note that `error` on `channel` had a `consequence` for one client."""
        last, unsaid = self._lines.get(channel, (None, 0))
        now = self._clock()
        if last is not None and now - last < EVERY_S:
            self._lines[channel] = last, unsaid + 1
            return
        self._lines[channel] = now, 0
        more = f" (as did {unsaid} more in the meantime)" if unsaid else ""
        logger.warning("%s; its client gets %s%s", error, consequence, more)
