"""A connection that a worker process holds for as long as it lives.

When the process is killed, its kernel closes the connection, and Redis knows it at once: the others
need not wait until no sign of life has come for long. A process that only stands still keeps it.
"""

import contextlib
import os

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.sync_connection import Connection


class Lifeline:
    """Holds a connection to one host, and makes it anew when it breaks."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._connection: Connection | None = None
        self._pid = -1

    def hold(self) -> int | None:
        """Return the connection's number at Redis; None if the host is away."""
        connection = self._connection
        if connection is None or self._pid != os.getpid() or not connection.is_open:
            self.let_go()
            with contextlib.suppress(LayerUnavailable):
                self._connection, self._pid = Connection(self._host), os.getpid()
        return None if self._connection is None else int(self._connection.client_id)

    def let_go(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            connection.close()
