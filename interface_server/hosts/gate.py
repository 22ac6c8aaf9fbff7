"""What stands in front of a host server: it lets through what every host server reads alike.

One Gate follows the bytes of one HTTP/1 connection, from head to head. What may go on does, as it
came or in plainer words; what may not becomes a request that the application answers with a refusal
(see `interface_server.hosts.refusal`), and nothing of the connection is read after it. No I/O and
no clock here.
"""

import dataclasses
import re
from typing import Literal, TypeAlias

from interface_server.hosts.chunks import BadChunk, ChunkedBody
from interface_server.hosts.heads import describe, read_head, read_plain
from interface_server.hosts.refusal import Refusal, Refused, wrap

#: The longest request line: as long as all headers may be by default.
MAX_LINE_BYTES = 64 * 1024
#: Once the time for a head is over, what has come while the process stood still is read first, for
#: so long: an event loop may look at its timers before it reads.
READ_FIRST_S = 0.1

#: A line break that no CR goes before.
_BARE_BREAK = re.compile(rb"(?<!\r)\n")


#: What the bytes that come next are. A socket's are no HTTP; of a connection that was refused, or
#: whose body can't be read, nothing goes on any more.
_State: TypeAlias = Literal["head", "body", "chunks", "socket", "closed"]


@dataclasses.dataclass(frozen=True)
class GateLimits:
    """`max_header_bytes` is for all headers, as they are on the wire."""

    max_header_bytes: int = 64 * 1024


class Gate:
    """The bytes of one connection.

    Args:
        limits: the GateLimits.
        now_s: the time at which it was opened.

    Attributes:
        begun_s: when the head that is awaited began, or the connection did; None between requests,
            and while a body comes.
        broken: why a body can't be read any further, or None. Its request has gone on already.
    """

    __slots__ = (
        "_chunks",
        "_head",
        "_left",
        "_limits",
        "_line_end",
        "_most_at_once",
        "_scanned",
        "_state",
        "begun_s",
        "broken",
    )

    def __init__(self, limits: GateLimits, now_s: float) -> None:
        self._limits = limits
        self._most_at_once = min(limits.max_header_bytes, MAX_LINE_BYTES)
        self._state: _State = "head"
        self._head = b""
        self._scanned, self._line_end = 0, -1
        self._left = 0
        self._chunks = ChunkedBody()
        self.begun_s: float | None = now_s
        self.broken: str | None = None

    def feed(self, data: bytes, now_s: float) -> bytes:
        """Return what of `data` the host server is to get."""
        if self._state == "socket":
            return data
        is_ended = data.endswith(b"\r\n\r\n") and len(data) <= self._most_at_once
        if is_ended and self._state == "head" and not self._head and read_plain(data) == 0:
            self.begun_s = None  # nearly always: one whole request, which has no body
            return data
        passed = []
        while data and self._state != "closed":
            if self._state == "head":
                piece, data = self._take_head(data, now_s)
            elif self._state == "body":
                piece, data = self._take_body(data)
            elif self._state == "chunks":
                piece, data = self._take_chunks(data)
            else:
                piece, data = data, b""
            passed.append(piece)
        return b"".join(passed)

    def expire(self) -> bytes:
        """Give up the head that is awaited; return what the host server is to get, if anything."""
        if self._state != "head" or not self._head:
            return b""
        return self._refuse(408, "its head did not come in time")

    # -- heads --------------------------------------------------------------------------------

    def _take_head(self, data: bytes, now_s: float) -> tuple[bytes, bytes]:
        if not self._head:
            data = data.lstrip(b"\r\n")  # RFC 9112, section 2.2: left over from the last request
            if not data:
                return b"", b""
            if self.begun_s is None:
                self.begun_s = now_s
        head = self._head + data
        end = head.find(b"\r\n\r\n", max(0, self._scanned - 3))
        if end < 0:
            unseen, self._head, self._scanned = self._scanned, head, len(head)
            return self._judge_beginning(unseen), b""
        return self._judge_head(head[: end + 4]), head[end + 4 :]

    def _judge_beginning(self, unseen: int) -> bytes:
        """Return nothing, or the refusal of a head that can't become a good one any more.

        What comes before `unseen` has been judged: a head that trickles costs little.
        """
        if self._line_end < 0:
            self._line_end = self._head.find(b"\r\n", max(0, unseen - 1))
        line_end = self._line_end
        line_bytes = line_end if line_end >= 0 else len(self._head)
        if line_bytes > MAX_LINE_BYTES:
            return self._refuse(414, f"its request line is longer than {MAX_LINE_BYTES} bytes")
        if line_end >= 0 and len(self._head) - line_end - 2 > self._limits.max_header_bytes:
            return self._refuse_headers()
        if _BARE_BREAK.search(self._head, unseen):
            return self._refuse(400, "a line ends with LF, not with CR LF")
        return b""

    def _judge_head(self, data: bytes) -> bytes:
        self._head = data
        line_end = data.find(b"\r\n")
        if line_end > MAX_LINE_BYTES:
            return self._refuse(414, f"its request line is longer than {MAX_LINE_BYTES} bytes")
        if len(data) - line_end - 4 > self._limits.max_header_bytes:
            return self._refuse_headers()
        try:
            head = read_head(data)
        except Refused as error:
            return self._refuse(error.refusal.status, error.refusal.reason)
        self._head, self._scanned, self._line_end, self.begun_s = b"", 0, -1, None
        if head.is_handshake:
            self._state = "socket"
        elif head.length is None:
            self._chunks, self._state = ChunkedBody(), "chunks"
        elif head.length:
            self._left, self._state = head.length, "body"
        return head.data

    def _refuse_headers(self) -> bytes:
        return self._refuse(
            431, f"its headers are larger than {self._limits.max_header_bytes} bytes"
        )

    def _refuse(self, status: int, reason: str) -> bytes:
        method, target = describe(self._head)
        self._state, self._head, self.begun_s = "closed", b"", None
        return wrap(Refusal(status, reason, method, target))

    # -- bodies -------------------------------------------------------------------------------

    def _take_body(self, data: bytes) -> tuple[bytes, bytes]:
        piece = data[: self._left]
        self._left -= len(piece)
        if not self._left:
            self._state = "head"
        return piece, data[len(piece) :]

    def _take_chunks(self, data: bytes) -> tuple[bytes, bytes]:
        try:
            piece, rest = self._chunks.feed(data)
        except BadChunk as error:
            self._state, self.broken = "closed", str(error)
            return b"", b""
        if self._chunks.is_complete:
            self._state = "head"
        return piece, rest
