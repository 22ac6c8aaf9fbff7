"""Lost messages in the log: each reason of each channel is told at once, and then not too often."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

#: Seconds between two lines of one reason and channel; what comes between is summed up.
EVERY_S = 10.0


class Drops:
    """Tells of lost messages. They are counted elsewhere: in the layer's statistics.

    Args:
        logger: the logger that is told.
        clock: function that returns the time in seconds.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger, self._clock = logger, clock
        self._lock = threading.Lock()
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

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
        if self._is_due(key, count):
            log(text, *args)

    def _is_due(self, key: tuple[str, str], count: int) -> bool:
        with self._lock:
            now = self._clock()
            told_at, untold = self._told.get(key, (-math.inf, 0))
            if told_at == -math.inf or (now - told_at >= EVERY_S and not untold):
                self._told[key] = (now, 0)
                return True
            self._told[key] = (told_at, untold + count)
        self.sum_up()
        return False

    def sum_up(self) -> None:
        """Tell of what was left out, where enough time has passed; called from time to time."""
        for (channel, reason), untold in self._take_due():
            self._logger.warning("%d more message(s) on %s were lost: %s", untold, channel, reason)

    def _take_due(self) -> list[tuple[tuple[str, str], int]]:
        due = []
        with self._lock:
            now = self._clock()
            for key, (told_at, untold) in list(self._told.items()):
                if now - told_at < EVERY_S:
                    continue
                if untold:
                    self._told[key] = (now, 0)
                    due.append((key, untold))
                else:
                    del self._told[key]
        return due
