"""Whether there may be database connections that have grown old."""

from __future__ import annotations

import time
from typing import Any

from django.db.backends.signals import connection_created

#: Between two looks at the connections of async handlers: to look takes a change of threads.
LOOK_EVERY_S = 1.0


class _Connections:
    def __init__(self) -> None:
        self._were_made = False
        self._look_at_s = 0.0

    def note(self, **kwargs: Any) -> None:
        """A connection has been opened."""
        self._were_made = True

    def are_in_use(self) -> bool:
        """Whether to look after the connections of this process now: it has opened some, and has
        not looked for a second."""
        now_s = time.monotonic()
        if not self._were_made or now_s < self._look_at_s:
            return False
        self._look_at_s = now_s + LOOK_EVERY_S
        return True


_connections = _Connections()
connection_created.connect(_connections.note, weak=False)
are_in_use = _connections.are_in_use
