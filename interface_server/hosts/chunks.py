"""Where a chunked body ends: RFC 9112, section 7.1. No I/O here."""

import enum
import re

#: A chunk's size, with extensions that nobody reads. 15 digits are more than anyone can send.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
#: What a line of a size may be long, and all trailers together.
_LONGEST_LINE = 1024
_LONGEST_TRAILERS = 16 * 1024
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")


class BadChunk(Exception):
    """A body is not chunked as it says; what follows can't be read."""


class _Part(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    TRAILERS = enum.auto()


class ChunkedBody:
    """Follows a chunked body, and passes it on without extensions and trailers.

    Attributes:
        is_complete: whether its end has come.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._part = _Part.SIZE
        self._waiting = b""
        #: What is left of the chunk, with the line break behind it.
        self._left = 0
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (what to pass on, what follows the body). Raises BadChunk."""
        data, self._waiting = self._waiting + data, b""
        passed: list[bytes] = []
        at = 0
        while at < len(data) and not self.is_complete:
            if self._part is _Part.DATA:
                at = self._take_data(data, at, passed)
                continue
            end = data.find(b"\n", at) + 1
            if not end:
                self._keep(data[at:])
                return b"".join(passed), b""
            line, at = data[at:end], end
            if self._part is _Part.SIZE:
                self._take_size(line, passed)
            else:
                self._take_trailer(line, passed)
        return b"".join(passed), data[at:]

    def _take_size(self, line: bytes, passed: list[bytes]) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise BadChunk("a chunk does not begin with its size")
        size = int(match[1], 16)
        if size:
            passed.append(b"%x\r\n" % size)
            self._left, self._part = size + 2, _Part.DATA
        else:
            self._part = _Part.TRAILERS

    def _take_data(self, data: bytes, at: int, passed: list[bytes]) -> int:
        """Take what belongs to the chunk; return where that ends."""
        piece = data[at : at + self._left]
        # Of the piece, what is not content but the line break that ends it.
        content = max(0, self._left - 2)
        if not b"\r\n"[2 - min(2, self._left) :].startswith(piece[content:]):
            raise BadChunk("a chunk is not as long as it says")
        self._left -= len(piece)
        passed.append(piece)
        if not self._left:
            self._part = _Part.SIZE
        return at + len(piece)

    def _take_trailer(self, line: bytes, passed: list[bytes]) -> None:
        self._trailer_bytes += len(line)
        if line == b"\r\n":
            passed.append(b"0\r\n\r\n")
            self.is_complete = True
        elif self._trailer_bytes > _LONGEST_TRAILERS or not _TRAILER.fullmatch(line):
            raise BadChunk("what follows the last chunk is no trailer, or too long")

    def _keep(self, data: bytes) -> None:
        """Keep the beginning of a line until the rest of it comes."""
        if len(data) > _LONGEST_LINE:
            raise BadChunk("a line between chunks is too long")
        self._waiting = data
