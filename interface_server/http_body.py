"""Request bodies: read in pieces, and those too large for a message sent on their own channel."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from channels.exceptions import ChannelFull, LayerUnavailable
from channels.layers.backoff import Backoff
from channels.layers.names import new_channel_name
from channels.layers.time_limit import within
from channels.messages import Content
from interface_server.asgi import Receive

if TYPE_CHECKING:
    from interface_server.process import ServerProcess

#: While a body channel is full its client is made to wait: this long first, and then longer.
_FIRST_DELAY_S = 0.01
_LAST_DELAY_S = 0.25

#: A body's end is told again each time this part of a message's life has passed: so there is always
#: one that tells how much of the body should have come before it.
_TELL_AGAIN_AFTER = 0.75


class ClientLeft(Exception):
    """The client closed its connection before its body was complete."""


class BodyTooLarge(Exception):
    """The body is larger than `max_body_bytes`."""


class BodyReader:
    """Reads a body from the host server in pieces of the size that is asked for.

    Args:
        receive: the ASGI callable.
        limit: the largest body in bytes, or None.
    """

    __slots__ = ("_buffer", "_is_received", "_limit", "_receive", "_total")

    def __init__(self, receive: Receive, limit: int | None) -> None:
        self._receive = receive
        self._limit = limit
        self._buffer = bytearray()
        self._total = 0
        self._is_received = False

    @property
    def is_complete(self) -> bool:
        """Whether all of the body has been read."""
        return self._is_received and not self._buffer

    async def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer at the end. Raises ClientLeft, BodyTooLarge."""
        while len(self._buffer) < size and not self._is_received:
            await self._fill()
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    async def _fill(self) -> None:
        event = await self._receive()
        if event["type"] == "http.disconnect":
            raise ClientLeft
        body = event.get("body", b"")
        self._total += len(body)
        if self._limit is not None and self._total > self._limit:
            raise BodyTooLarge
        self._buffer += body
        self._is_received = not event.get("more_body", False)


class BodyChannel:
    """The channel that carries a body which is too large for its `http.request`.

    Args:
        process: the ServerProcess.
        reader: the BodyReader, of which `first` has been read already.
        first: the first piece, bytes.
    """

    def __init__(self, process: "ServerProcess", reader: BodyReader, first: bytes) -> None:
        self.name = new_channel_name("http.request.body?")
        self._link = process.link
        self._reader = reader
        self._first = first
        self._options = process.options
        self._expiry_s = process.get_expiry(self.name)
        self._sent_bytes = 0
        self._is_sent = False

    async def pump(self, note_progress: Callable[[], None]) -> None:
        """Send the body, piece by piece, and call `note_progress()` after each.

        Tells the reader of the channel if it ends early. Raises ClientLeft, BodyTooLarge,
        LayerUnavailable, and TimeoutError if the client takes too long.
        """
        try:
            piece, self._first = self._first, b""
            while not self._reader.is_complete:
                await self._send_piece(piece, more=True)
                note_progress()
                piece = await within(
                    self._options.http_stall_s, self._reader.read(self._options.body_chunk_bytes)
                )
            await self._send_piece(piece, more=False)
        except (ClientLeft, BodyTooLarge, asyncio.TimeoutError):
            with contextlib.suppress(ChannelFull, LayerUnavailable):
                await self._link.send(self.name, {"closed": True})
            raise
        self._is_sent = True
        note_progress()

    async def tell_end(self) -> None:
        """Until cancelled, tell from time to time how long the body is, once all of it was sent.

        Its last piece does so first; but that expires, and who reads only then is not to wait.
        """
        while True:
            await asyncio.sleep(self._expiry_s * _TELL_AGAIN_AFTER)
            if self._is_sent:
                with contextlib.suppress(ChannelFull, LayerUnavailable):
                    await self._link.send(self.name, {"closed": True, "offset": self._sent_bytes})

    async def _send_piece(self, piece: bytes, *, more: bool) -> None:
        await self._send({"content": piece, "more_content": more, "offset": self._sent_bytes})
        self._sent_bytes += len(piece)

    async def _send(self, message: Content) -> None:
        backoff = Backoff(_FIRST_DELAY_S, _LAST_DELAY_S)
        while True:
            try:
                await self._link.send(self.name, message)
                return
            except ChannelFull:
                await asyncio.sleep(backoff.next_s())
