"""What consumers tell the tests, and the signs that they wait for, as files in DIRECTORY."""

import json
import os
import time
from pathlib import Path

from django.conf import settings

DIRECTORY = Path(settings.DIRECTORY)


def note(what, **details):
    """Add a line to the notes: what happened, when, and in which process."""
    line = json.dumps({"what": what, "at": time.monotonic(), "pid": os.getpid(), **details}) + "\n"
    file = os.open(DIRECTORY / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())  # one write: lines of several processes do not mix
    finally:
        os.close(file)


def wait_for_sign():
    """Wait until the test says "go on"."""
    while not (DIRECTORY / "go-on").exists():
        time.sleep(0.01)
