"""What waits to be written to a WebSocket, and the task that writes it as long as there is more."""

import asyncio
import collections
import logging
from collections.abc import Callable, Iterable

from interface_server.asgi import Event, Send
from interface_server.options import Options

logger = logging.getLogger("interface_server")


class FrameWriter:
    """Writes ASGI events to one socket, in order. An idle socket has neither task nor queue here.

    Where the host's `send` can write at once, as long as the connection takes it, a frame needs no
    task either: see `hosts.contract.PromptSend`.

    Args:
        loop: the event loop.
        send: the ASGI callable.
        options: the Options; `outbox_messages` and `outbox_bytes` limit what may wait.
    """

    __slots__ = (
        "_bytes",
        "_events",
        "_loop",
        "_on_end",
        "_options",
        "_send",
        "_task",
        "_write_now",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send, options: Options) -> None:
        self._loop = loop
        self._send = send
        self._write_now: Callable[[Event], bool] | None = getattr(send, "write_now", None)
        self._options = options
        #: What waits, with its sizes; the first one is being written.
        self._events: collections.deque[tuple[Event, int]] | None = None
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._on_end: Callable[[], None] | None = None

    def put(self, event: Event, size: int) -> bool:
        """Write `event`, of about `size` bytes, after what waits; return False if too much does."""
        events = self._events
        if events is None:
            if self._is_written_now(event):
                return True
            events = self._begin()
        elif (
            len(events) >= self._options.outbox_messages
            or self._bytes + size > self._options.outbox_bytes
        ):
            return False
        events.append((event, size))
        self._bytes += size
        return True

    def _is_written_now(self, event: Event) -> bool:
        """Nothing waits: write a frame if the host can do so at once."""
        if self._write_now is None or event["type"] != "websocket.send":
            return False
        try:
            return self._write_now(event)
        except Exception as error:  # host servers raise what they like for a closed socket
            _tell(error)
            return True

    def put_last(self, events: Iterable[Event], on_end: Callable[[], None]) -> None:
        """Write `events` whatever waits already, then call `on_end()`, even if writing fails."""
        waiting = self._begin() if self._events is None else self._events
        waiting.extend((event, 0) for event in events)
        self._on_end = on_end

    def clear(self) -> int:
        """Drop what has not been written, and what is just being written; return how much."""
        dropped = len(self._events or ())
        if self._task is not None:
            self._task.cancel()
        self._events = self._task = self._on_end = None
        self._bytes = 0
        return dropped

    def _begin(self) -> collections.deque[tuple[Event, int]]:
        self._events = collections.deque()
        self._bytes = 0
        self._task = self._loop.create_task(self._write(self._events))
        return self._events

    async def _write(self, events: collections.deque[tuple[Event, int]]) -> None:
        try:
            while events:
                event, size = events[0]
                await self._send(event)
                events.popleft()
                if events is self._events:
                    self._bytes -= size
        except asyncio.CancelledError:
            raise
        except Exception as error:  # host servers raise what they like for a closed socket
            _tell(error)
        if events is self._events:
            self._end()

    def _end(self) -> None:
        self._events = self._task = None
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end()


def _tell(error: Exception) -> None:
    logger.debug("a socket was closed while it was written to: %r", error)
