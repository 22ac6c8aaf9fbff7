"""Where the replies to one HTTP request wait, and what holds their sender back."""

import asyncio
import collections
import enum
from typing import TYPE_CHECKING

from interface_server.asgi import Message

if TYPE_CHECKING:
    from interface_server.process import ServerProcess


class Outcome(enum.Enum):
    """What an exchange is told in the place of a reply, when none will come."""

    GONE = "the client has left, or takes nothing of its response"
    STALLED = "the client took too long to send its body"
    TOO_LARGE = "the body is larger than max_body_bytes"
    TIMED_OUT = "no reply came in time"
    LOST = "the channel layer can't be reached, or has lost the request"


class ReplyQueue:
    """The replies to one client, filled by the dispatcher and emptied by its exchange.

    While more than `response_high_water_bytes` wait, the layer is told to hold their sender back.
    """

    __slots__ = (
        "_bytes",
        "_is_held",
        "_options",
        "_outcome",
        "_process",
        "_replies",
        "_waiter",
        "client",
    )

    def __init__(self, process: "ServerProcess", client: str) -> None:
        self.client = client
        self._process = process
        self._options = process.options
        self._replies: collections.deque[Message] | None = None
        self._bytes = 0
        self._is_held = False
        self._outcome: Outcome | None = None
        self._waiter: asyncio.Future[Message | Outcome] | None = None

    def deliver(self, message: Message) -> None:
        """Take one reply."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(message)
            return
        if self._replies is None:
            self._replies = collections.deque()
        self._replies.append(message)
        self._bytes += _size(message)
        if not self._is_held and self._bytes > self._options.response_high_water_bytes:
            self._is_held = True
            self._process.link.hold(self.client)

    def end(self, outcome: Outcome) -> None:
        """Let no further reply through: who waits for one gets `outcome`, the first one given."""
        if self._outcome is None:
            self._outcome = outcome
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(outcome)

    def time_out(self) -> None:
        """End with TIMED_OUT, unless a reply has come and is just about to be taken."""
        if self._waiter is not None and not self._waiter.done():
            self.end(Outcome.TIMED_OUT)

    @property
    def outcome(self) -> Outcome | None:
        """What `end` was told, or None."""
        return self._outcome

    @property
    def is_awaited(self) -> bool:
        """Whether a reply is being waited for just now."""
        return self._waiter is not None

    async def next(self) -> Message | Outcome:
        """Return the next reply, or an Outcome."""
        if self._outcome is not None:
            return self._outcome
        if self._replies:
            return self._take(self._replies)
        self._waiter = self._process.loop.create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _take(self, replies: collections.deque[Message]) -> Message:
        message = replies.popleft()
        self._bytes -= _size(message)
        if self._is_held and self._bytes <= self._options.response_low_water_bytes:
            self._is_held = False
            self._process.link.resume(self.client)
        return message


def _size(message: Message) -> int:
    content = message.get("content")
    return len(content) if isinstance(content, bytes) else 0
