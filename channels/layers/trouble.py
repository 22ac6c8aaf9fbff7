"""Whether a layer works: told once when it does not, with the reason, and when it does again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from channels.exceptions import LayerRefused

logger = logging.getLogger("channels.layers")

#: For so long nothing has failed, when it is over: reading may work while writing does not.
OVER_AFTER_S = 5.0


class Trouble:
    """What is the matter with the layer of this process just now; thread-safe.

    Args:
        name: what the layer is called in the log.
        clock: function that returns the time in seconds.

    Attributes:
        is_on: whether something is.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._guard = threading.Lock()
        self._last = 0.0
        self._was_refused = False
        self.is_on = False

    def note(self, error: Exception) -> None:
        """Something could not be done."""
        with self._guard:
            is_refused = isinstance(error, LayerRefused)
            is_new = not self.is_on or (is_refused and not self._was_refused)
            self.is_on, self._was_refused, self._last = True, is_refused, self._clock()
        if is_new and is_refused:
            logger.error("%s: waiting does not mend that", error)
        elif is_new:
            logger.error("%s; trying again; meanwhile requests and new sockets get 503", error)

    def note_success(self) -> None:
        """Something could be done; called while `is_on`."""
        with self._guard:
            if not self.is_on or self._clock() - self._last < OVER_AFTER_S:
                return
            self.is_on = False
        logger.warning("%s can be used again", self._name)
