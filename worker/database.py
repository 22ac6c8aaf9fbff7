"""Whether a consumer thread has database connections to look after.

Django's `close_old_connections` after each consumer costs as much as sending its reply, also where
there is nothing to close. A thread that has never connected to a database is spared it.
"""

from __future__ import annotations

import threading
from typing import Any

from django.db.backends.signals import connection_created


class _Thread(threading.local):
    has_connected = False


_thread = _Thread()


def needs_a_look() -> Any:
    """Whether this thread has ever had a database connection."""
    return _thread.has_connected


def _note(**kwargs: Any) -> None:
    _thread.has_connected = True


connection_created.connect(_note, dispatch_uid="worker.database")
