"""What consumers, views and commands note down, in a file that outlives every one of them.

A line is one record, written with one system call, so that a process which is killed leaves whole
lines only.
"""

import asyncio
import json
import os
import threading
import time


class LedgerWriter:
    """Adds records to a file that many processes write to."""

    def __init__(self, path):
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, event, **facts):
        """Add a record; the time, the process and the thread come with it."""
        record = {
            "event": event,
            "at": time.time(),
            "pid": os.getpid(),
            "thread": threading.current_thread().name,
            **facts,
        }
        os.write(self._file, json.dumps(record).encode() + b"\n")


class Ledger:
    """Reads them."""

    def __init__(self, path):
        self.path = path
        self._records = []
        self._rest = b""
        self._offset = 0

    def records(self, event=None, **facts):
        """Return all records so far, or those of an event with these facts."""
        self._read_on()
        if event is None:
            return self._records
        wanted = {"event": event, **facts}.items()
        return [record for record in self._records if wanted <= record.items()]

    def values(self, fact, event, **facts):
        """Return one fact of each record of an event with these facts."""
        return [record[fact] for record in self.records(event, **facts)]

    def count(self, event, **facts):
        """Return the number of records of an event with these facts."""
        return len(self.records(event, **facts))

    async def wait_for(self, count, event, *, limit_s=30.0, **facts):
        """Wait until there are `count` such records, or the time is up; return how many there
        are."""
        deadline = time.monotonic() + limit_s
        while (found := self.count(event, **facts)) < count and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return found

    def _read_on(self):
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._records += [_Record(json.loads(line)) for line in lines]


class _Record(dict):
    """A record; `<=` on its items must not meet an unhashable value, so lists become tuples."""

    def __init__(self, facts):
        super().__init__(
            (key, tuple(value) if isinstance(value, list) else value)
            for key, value in facts.items()
        )
