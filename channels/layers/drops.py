"""Lost messages in the log: each reason of each channel is told at once, and then not too often."""

import threading
import time

#: Seconds between two lines of one reason and channel; what comes between is summed up.
EVERY_S = 10.0


class Drops:
    """Tells of lost messages. They are counted elsewhere: in the layer's statistics.

    Args:
        logger: the logger that is told.
        clock: function that returns the time in seconds.
    """

    def __init__(self, logger, clock=time.monotonic):
        self._logger, self._clock = logger, clock
        self._lock = threading.Lock()
        self._told = {}

    def warn(self, channel, reason, count, text, *args):
        """Log `text % args` as a warning, unless `reason` was told of this channel just now."""
        self._tell(self._logger.warning, (channel, reason), count, text, args)

    def error(self, channel, reason, count, text, *args):
        """The same, as an error."""
        self._tell(self._logger.error, (channel, reason), count, text, args)

    def _tell(self, log, key, count, text, args):
        if self._is_due(key, count):
            log(text, *args)

    def _is_due(self, key, count):
        with self._lock:
            now = self._clock()
            told_at, untold = self._told.get(key, (None, 0))
            if told_at is None or (now - told_at >= EVERY_S and not untold):
                self._told[key] = (now, 0)
                return True
            self._told[key] = (told_at, untold + count)
        self.sum_up()
        return False

    def sum_up(self):
        """Tell of what was left out, where enough time has passed; called from time to time."""
        for (channel, reason), untold in self._take_due():
            self._logger.warning("%d more message(s) on %s were lost: %s", untold, channel, reason)

    def _take_due(self):
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
