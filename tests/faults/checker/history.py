"""What happened: the events that clients, faults and consumers noted, in the order of their times.

An event is a dict with `event`, `at` (seconds since 1970) and what the kind of event adds:

- by clients: opened (conn), sent (conn, n), reply (conn, n), heard (conn, n), closed (conn, code,
  by_us), asked (status, took_s), told (n, outcome), job (channel, n, outcome);
- by consumers (the site's ledger): connect, began, ended, disconnect (socket, n, order),
  ran (channel, n);
- by the checker: fault (name, pids, until).

`n` of frames is unique over all sockets, so that it ties a client to its server side.
"""

import json
import threading
import time


class History:
    """Collects events from any thread."""

    def __init__(self):
        self.events = []
        self._lock = threading.Lock()

    def note(self, event, **facts):
        """Add an event that happens now; return it."""
        record = {"event": event, "at": time.time(), **facts}
        with self._lock:
            self.events.append(record)
        return record

    def write(self, path):
        """Write all events to a file, one JSON object a line, in the order of their times."""
        with open(path, "w", encoding="utf-8") as file:
            for event in sorted(self.events, key=lambda event: event["at"]):
                file.write(json.dumps(event) + "\n")
