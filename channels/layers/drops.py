"""Lost messages in the log: each reason of each channel is told at once, and then not too often."""

import logging
import time
from collections.abc import Callable
from typing import Any

from channels.layers.throttle import Throttle

#: Seconds between two lines of one reason and channel; what comes between is summed up.
EVERY_S = 10.0


class Drops:
    """Tells of lost messages. They are counted elsewhere: in the layer's statistics.

    Args:
        logger: the logger that is told.
        clock: function that returns the time in seconds.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._throttle: Throttle[tuple[str, str]] = Throttle(EVERY_S, clock)

    def warn(self, channel: str, reason: str, count: int, text: str, *args: Any) -> None:
        """Log `text % args` as a warning, unless `reason` was told of this channel just now."""
        self._tell(self._logger.warning, (channel, reason), count, text, args)

    def error(self, channel: str, reason: str, count: int, text: str, *args: Any) -> None:
        """The same, as an error."""
        self._tell(self._logger.error, (channel, reason), count, text, args)

    def _tell(
        self,
        log: Callable[..., None],
        key: tuple[str, str],
        count: int,
        text: str,
        args: tuple[Any, ...],
    ) -> None:
        untold = self._throttle.note(key, count)
        if untold is None:
            self.sum_up()
            return
        log(text, *args)
        if untold:
            self._sum_up_one(key, untold)

    def sum_up(self) -> None:
        """Tell of what was left out, where enough time has passed; called from time to time."""
        for key, untold in self._throttle.take_due():
            self._sum_up_one(key, untold)

    def _sum_up_one(self, key: tuple[str, str], untold: int) -> None:
        self._logger.warning("%d more message(s) on %s were lost: %s", untold, *key)
