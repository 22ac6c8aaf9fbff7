"""The thread that looks whether a host is back.

To find out that a host is silent takes seconds. Where others go on without it, no thread that has
work to do is to spend them.
"""

import contextlib
import threading
import time

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.hosts import FIRST_BACKOFF_S, Host
from channels.layers.redis.transport.sync_connection import Connection

#: A host that nobody has asked for in so many seconds is not tried any more.
WANTED_FOR_S = 30.0


class Scout:
    """Tries to reach one host, as long as it is away and wanted; one thread at a time does."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._wanted_at = 0.0
        self._thread: threading.Thread | None = None

    def send(self) -> None:
        """Have the host tried, if it is not already."""
        self._wanted_at = time.monotonic()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._look, name="redis-scout", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        health = self._host.health
        while health.is_down and time.monotonic() - self._wanted_at < WANTED_FOR_S:
            time.sleep(max(health.retry_in_s, FIRST_BACKOFF_S))
            with contextlib.suppress(LayerUnavailable):  # it is noted in the host's health
                Connection(self._host).close()
