"""What happened: the events that clients, faults and consumers noted, in the order of their times.

An event is a dict with `event`, `at` (seconds since 1970) and what the kind of event adds:

- by clients: opened (conn, kind, port), member (conn, hears), sent (conn, n, place), reply (conn,
  n), heard (conn, n), called (conn, n), closed (conn, code, socket, was_idle, deaf_since), asked
  (status, took_s), read (status, bytes, wanted, took_s), told (n, outcome), call (n, outcome), job
  (channel, n, outcome);
- by functions (the site's ledger): connect, began, ended, disconnect (socket, n, order), ran
  (channel, n);
- by class consumers (there as well), each with its stint, socket, frames and messages: hosted
  (after), handled (what, n, latest), let go (code);
- by the checker: fault (name, pids, ports, frozen, until), rest.

`n` of frames is unique over all sockets, so that it ties a client to its server side; `place` is
the frame's number on its own socket. `reply` and `called` of class consumers have their state.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any


class History:
    """Collects events from any thread."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def note(self, event: str, **facts: Any) -> dict[str, Any]:
        """Add an event that happens now; return it."""
        record = {"event": event, "at": time.time(), **facts}
        with self._lock:
            self.events.append(record)
        return record

    def write(self, path: Path) -> None:
        """Write all events to a file, one JSON object a line, in the order of their times."""
        with open(path, "w", encoding="utf-8") as file:
            for event in sorted(self.events, key=lambda event: event["at"]):
                file.write(json.dumps(event) + "\n")
