"""The SQLite file of a local layer: one writer at a time, and errors that say what is the matter.

SQLite's own way to wait for another writer is to sleep for milliseconds. So each transaction holds
an advisory lock on a file beside it, and asks for that every few microseconds. The kernel lets go
of it when a process dies.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import stat
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from channels.exceptions import InvalidChannelLayerError, LayerUnavailable
from channels.layers.backoff import Backoff
from channels.layers.local import schema
from channels.metrics import hooks

#: Seconds for which a transaction waits for others, which take well under a millisecond.
LOCK_LIMIT_S = 5.0
#: The first and the longest pause between two looks at the lock, in seconds.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.000_02, 0.001
#: The pages (of 4 KiB) that the write-ahead log may hold before they go into the file.
CHECKPOINT_PAGES = 4_000
PAGE_BYTES = 4_096
#: A disk with less room than that is what stood in the way of a message.
SCARCE_BYTES = 4 * 1024 * 1024

#: Connections of a parent process: closing them here would let go of its locks.
_inherited: list[sqlite3.Connection] = []


class Connection:
    """One thread's connection and its handle of the lock."""

    def __init__(self, folder: Path, max_bytes: int | None) -> None:
        path = folder / "messages.sqlite3"
        self.lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self.sql = sqlite3.connect(
                path, timeout=LOCK_LIMIT_S, isolation_level=None, check_same_thread=False
            )
        except BaseException:
            os.close(self.lock)
            raise
        self.pid = os.getpid()
        self.max_bytes = max_bytes
        self.path = path
        self.file: tuple[int, int] | None = None
        #: Called when the thread has ended, too.
        self.close = weakref.finalize(self, _close, self.sql, self.lock, self.pid)

    def prepare(self) -> None:
        """Set the connection up, under the lock; make the tables if there are none."""
        mode = self.sql.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise sqlite3.OperationalError(f"journal_mode is {mode!r} and can't be made 'wal'")
        self.sql.execute("PRAGMA synchronous = NORMAL")
        self.sql.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self.sql.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_PAGES * PAGE_BYTES}")
        if self.max_bytes is not None:
            self.sql.execute(f"PRAGMA max_page_count = {max(self.max_bytes // PAGE_BYTES, 64)}")
        version = self.sql.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, schema.VERSION):
            raise InvalidChannelLayerError(
                f"{self.path} holds version {version} of the local layer's tables, and this is "
                f"version {schema.VERSION}: stop the processes of the other version and delete "
                "the folder, or set another prefix"
            )
        if version == 0:
            self.sql.executescript(
                f"BEGIN; {schema.TABLES} PRAGMA user_version = {schema.VERSION}; COMMIT;"
            )
        self.file = identity_of(self.path)


def _close(sql: sqlite3.Connection, lock: int, pid: int) -> None:
    if pid == os.getpid():
        sql.close()
        os.close(lock)
    else:
        _inherited.append(sql)


def identity_of(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one that took its place; None if it is not there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class Database:
    """Transactions on the file in `folder`, from any thread; `max_bytes` limits its size."""

    def __init__(self, folder: Path, max_bytes: int | None = None) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._local = threading.local()
        self._all: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection, inside of a transaction that nobody else writes beside.

        Raises LayerUnavailable, after which nothing of it was done.
        """
        with self.explained():
            started = time.perf_counter()
            connection = self._connection()
            with self._locked(connection):
                connection.sql.execute("BEGIN IMMEDIATE")
                try:
                    yield connection.sql
                except BaseException:
                    self._roll_back(connection)
                    raise
                connection.sql.execute("COMMIT")
            hooks.meter.round_trip(time.perf_counter() - started)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn errors of SQLite and of the system into a LayerUnavailable that explains them."""
        try:
            yield
        except LayerUnavailable:
            raise
        except (sqlite3.Error, OSError) as error:
            self._drop()
            hooks.meter.connection_lost()
            raise LayerUnavailable(self._explain(error), was_sent=False) from error

    def make_ready(self) -> None:
        """Make the folder and the file if they are not there. Raises LayerUnavailable."""
        with self.transaction():
            pass

    @property
    def identity(self) -> tuple[int, int] | None:
        """Which file this thread works on: another one may take its place."""
        connection: Connection | None = getattr(self._local, "connection", None)
        return None if connection is None else connection.file

    def close(self) -> None:
        """Close the connections of all threads, as far as no transaction runs."""
        with self._guard:
            connections, self._all = list(self._all), weakref.WeakSet()
        self._local = threading.local()
        for connection in connections:
            connection.close()

    # -- inside -------------------------------------------------------------------------------

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is not None and connection.pid != os.getpid():
            connection = None
        if connection is not None and identity_of(connection.path) != connection.file:
            self._drop()  # somebody has deleted the file, and perhaps made another one
            connection = None
        return connection or self._open()

    def _open(self) -> Connection:
        make_folder(self.folder)
        connection = Connection(self.folder, self._max_bytes)
        try:
            with self._locked(connection):
                connection.prepare()
        except BaseException:
            connection.close()
            raise
        with self._guard:
            self._all.add(connection)
        self._local.connection = connection
        return connection

    def _drop(self) -> None:
        connection: Connection | None = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    @contextlib.contextmanager
    def _locked(self, connection: Connection) -> Iterator[None]:
        backoff: Backoff | None = None
        deadline = time.monotonic() + LOCK_LIMIT_S
        while True:
            try:
                fcntl.flock(connection.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LayerUnavailable(
                        f"another process has held {self.folder / 'lock'} for {LOCK_LIMIT_S:g} s: "
                        "it is stopped or stuck; `fuser` names it",
                        was_sent=False,
                    ) from None
            backoff = backoff or Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
            time.sleep(backoff.next_s())
        try:
            yield
        finally:
            fcntl.flock(connection.lock, fcntl.LOCK_UN)

    @staticmethod
    def _roll_back(connection: Connection) -> None:
        with contextlib.suppress(sqlite3.Error):  # it may have been rolled back already
            connection.sql.execute("ROLLBACK")

    def _explain(self, error: Exception) -> str:
        """What an error of SQLite or of the system means here, and what to do about it."""
        text, folder = str(error), self.folder
        if "disk is full" in text:
            if self._max_bytes is not None and shutil.disk_usage(folder).free > SCARCE_BYTES:
                return (
                    f"the messages in {folder} take all of their {self._max_bytes} bytes: add "
                    "workers, or raise channel_memory"
                )
            return f"the disk of {folder} is full ({text}): make room on it"
        if "readonly" in text or isinstance(error, PermissionError) or _is_read_only(error):
            return (
                f"{folder} can't be written to ({text}): let this user write there, or name "
                "another folder in the CONFIG of the layer"
            )
        if "unable to open" in text:
            return f"{folder} can't be used ({text}): see that it exists and may be written to"
        if "not a database" in text or "malformed" in text:
            return (
                f"{folder} is damaged ({text}): stop all processes that use it, delete it, and "
                "start them again"
            )
        return f"{folder} can't be used: {text}"


def _is_read_only(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == 30  # EROFS


def make_folder(folder: Path) -> None:
    """Make the folder if it is not there; refuse one that another user could have put there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = os.stat(folder)
    is_private = found.st_uid in (os.getuid(), 0) or not (found.st_mode & stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or not is_private:
        raise PermissionError(f"it belongs to user {found.st_uid}, and anybody may write to it")
