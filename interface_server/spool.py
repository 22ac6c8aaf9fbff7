"""What waits for a client that reads slowly, in a temporary file rather than in memory."""

import tempfile
from typing import IO, NamedTuple

from interface_server.frames.window import Allowance


class Stored(NamedTuple):
    """Where some bytes lie in a Spool."""

    offset: int
    size: int


class Spool:
    """Keeps bytes in a temporary file that has no name: nothing of it stays behind.

    Args:
        allowance: what all spools of a process may keep together.
    """

    __slots__ = ("_allowance", "_end", "_file", "_kept_bytes")

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._file: IO[bytes] | None = None
        self._end = 0
        self._kept_bytes = 0

    def put(self, content: bytes) -> Stored:
        """Keep `content`. Raises OSError if the disk is full, or the file can't be made."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="channels-", buffering=0)  # noqa: SIM115
        self._file.seek(self._end)
        view = memoryview(content)
        while view:
            view = view[self._file.write(view) :]
        stored = Stored(self._end, len(content))
        self._end += stored.size
        self._count(stored.size)
        return stored

    def take(self, stored: Stored) -> bytes:
        """Return bytes that were kept; they are taken once, in their order."""
        if self._file is None:
            raise ValueError("nothing is kept here")
        self._file.seek(stored.offset)
        content = self._file.read(stored.size)
        self._count(-stored.size)
        if not self._kept_bytes:
            self._file.truncate(0)
            self._end = 0
        return content

    def close(self) -> None:
        """Forget everything."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._count(-self._kept_bytes)

    def _count(self, size: int) -> None:
        self._kept_bytes += size
        self._allowance.use(0, size)
