"""Where the replies to one HTTP request wait, and what holds their sender back."""

import asyncio
import collections
import enum
import logging
from typing import TYPE_CHECKING

from channels.messages import Content
from interface_server.spool import Spool, Stored

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

logger = logging.getLogger("interface_server")


class NoReply(enum.Enum):
    """What an exchange is told in the place of a reply, when none will come."""

    GONE = "the client has left, or takes nothing of its response"
    STALLED = "the client took too long to send its body"
    TOO_LARGE = "the body is larger than max_body_bytes"
    TIMED_OUT = "no reply came in time"
    LOST = "the channel layer can't be reached, or has lost the request"


class ReplyQueue:
    """The replies to one client, filled by the dispatcher and emptied by its exchange.

    A worker is done when its response is made: what a slow client has not taken yet waits here, in
    memory up to `response_memory_bytes`, and then in a temporary file. Only when more than
    `response_high_water_bytes` wait, the layer is told to hold the sender back.

    Attributes:
        departure_channel: where it is said that the client has left before its response was whole;
            a worker that hosts the request names a channel of its own.
    """

    __slots__ = (
        "_bytes",
        "_in_memory",
        "_is_held",
        "_options",
        "_outcome",
        "_process",
        "_replies",
        "_spool",
        "_waiter",
        "client",
        "departure_channel",
    )

    def __init__(self, process: "ServerProcess", client: str) -> None:
        self.client = client
        self.departure_channel = "http.disconnect"
        self._process = process
        self._options = process.options
        #: Replies, each with where its content lies if that is in the spool.
        self._replies: collections.deque[tuple[Content, Stored | None]] | None = None
        self._spool: Spool | None = None
        self._bytes = self._in_memory = 0
        self._is_held = False
        self._outcome: NoReply | None = None
        self._waiter: asyncio.Future[Content | NoReply] | None = None

    def deliver(self, message: Content) -> None:
        """Take one reply."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(message)
            return
        if self._replies is None:
            self._replies = collections.deque()
        size = _size(message)
        stored = self._store(message, size)
        if stored is None:
            self._in_memory += size
            self._replies.append((message, None))
        else:
            self._replies.append(({**message, "content": b""}, stored))
        self._bytes += size
        if not self._is_held and self._has_too_much():
            self._is_held = True
            self._process.link.hold(self.client)

    def _store(self, message: Content, size: int) -> Stored | None:
        """Put a reply's content into the spool, if there is no room for it in memory."""
        if not size or self._in_memory + size <= self._options.response_memory_bytes:
            return None
        if self._spool is None:
            self._spool = Spool(self._process.disk)
        try:
            return self._spool.put(message["content"])
        except OSError as error:
            self._process.refusals.note("http.response", error, "its response from memory")
            return None

    def _has_too_much(self) -> bool:
        options = self._options
        if self._in_memory > 2 * options.response_memory_bytes:
            return True  # the disk is full
        return self._bytes > options.response_high_water_bytes or not self._process.disk.has_room

    def end(self, outcome: NoReply) -> None:
        """Let no further reply through: who waits for one gets `outcome`, the first one given."""
        if self._outcome is None:
            self._outcome = outcome
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(outcome)

    def time_out(self) -> None:
        """End with TIMED_OUT, unless a reply has come and is just about to be taken."""
        if self._waiter is not None and not self._waiter.done():
            self.end(NoReply.TIMED_OUT)

    @property
    def outcome(self) -> NoReply | None:
        """What `end` was told, or None."""
        return self._outcome

    @property
    def is_awaited(self) -> bool:
        """Whether a reply is being waited for just now."""
        return self._waiter is not None

    async def next(self) -> Content | NoReply:
        """Return the next reply, or a NoReply."""
        if self._outcome is not None:
            return self._outcome
        if self._replies:
            return self._take(*self._replies.popleft())
        self._waiter = self._process.loop.create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _take(self, message: Content, stored: Stored | None) -> Content:
        if stored is not None and self._spool is not None:
            message["content"] = self._spool.take(stored)
            self._bytes -= stored.size
        else:
            self._in_memory -= _size(message)
            self._bytes -= _size(message)
        if self._is_held and self._bytes <= self._options.response_low_water_bytes:
            self._is_held = False
            self._process.link.resume(self.client)
        return message

    def close(self) -> None:
        """Nobody takes a reply any more."""
        if self._spool is not None:
            self._spool.close()


def _size(message: Content) -> int:
    content = message.get("content")
    return len(content) if isinstance(content, bytes) else 0
