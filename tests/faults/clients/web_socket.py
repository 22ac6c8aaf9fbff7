"""A WebSocket client on asyncio: cheap enough for thousands, and able to misbehave."""

import asyncio
import socket as sockets
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks.load.frames import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    make_frame,
    make_handshake,
    read_frames,
)

#: The close code of a connection that ended without a close frame (RFC 6455, section 7.1.5).
CUT_OFF = 1006


class Refused(ConnectionError):
    """The handshake got an answer, and it was no."""

    def __init__(self, status, headers):
        super().__init__(f"refused with {status}")
        self.status, self.headers = status, headers


class WebSocket(asyncio.Protocol):
    """One client.

    Attributes:
        texts: what it has received, as a list of str, with `arrivals`, their times (monotonic).
        close_code: None while it is open.
        closed_at: when it was closed, in seconds since 1970.
    """

    def __init__(self, path, headers=()):
        loop = asyncio.get_running_loop()
        self._handshake = _with_headers(make_handshake(path), headers)
        self._opened, self._ended = loop.create_future(), loop.create_future()
        self._buffer = b""
        self._news = asyncio.Event()
        self._is_upgraded = False
        self.transport = None
        self.texts, self.arrivals = [], []
        self.close_code = self.closed_at = None
        #: Called with each text, if set; then `texts` stays empty.
        self.on_text = None

    # -- what the scenario does -----------------------------------------------------------------

    def send(self, text):
        """Send a text frame."""
        self.transport.write(make_frame(text.encode()))

    def leave(self, code=1000):
        """Close as a browser does."""
        self.transport.write(make_frame(struct.pack("!H", code), CLOSE))

    def vanish(self):
        """Cut the connection without a word."""
        if self.transport is not None:
            self.transport.abort()

    def stop_reading(self):
        """Take nothing any more, not even pings."""
        self.transport.pause_reading()

    def read_on(self):
        """Undo `stop_reading`."""
        self.transport.resume_reading()

    @property
    def is_open(self):
        return self._is_upgraded and self.close_code is None

    async def wait_for_texts(self, count, limit_s=30.0):
        """Wait until `count` texts have come, the socket is closed, or the time is up; return how
        many came."""
        deadline = time.monotonic() + limit_s
        while len(self.texts) < count and self.close_code is None:
            self._news.clear()
            left_s = deadline - time.monotonic()
            try:
                await asyncio.wait_for(self._news.wait(), max(left_s, 0))
            except asyncio.TimeoutError:
                break
        return len(self.texts)

    async def wait_closed(self, limit_s=30.0):
        """Return the close code; None if it is still open after `limit_s` seconds."""
        await asyncio.wait([self._ended], timeout=limit_s)
        return self.close_code

    async def opened(self):
        """Return when the handshake has been answered. Raises Refused, ConnectionError."""
        await self._opened

    # -- what asyncio calls ---------------------------------------------------------------------

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self._handshake)

    def data_received(self, data):
        self._buffer += data
        if not self._is_upgraded and not self._read_answer():
            return
        frames, self._buffer = read_frames(self._buffer)
        for opcode, payload in frames:
            self._take(opcode, payload)
        self._news.set()

    def connection_lost(self, error):
        if self.close_code is None:
            self._note_closed(CUT_OFF)
        if not self._opened.done():
            self._opened.set_exception(ConnectionResetError("cut off in the handshake"))
        if not self._ended.done():
            self._ended.set_result(None)
        self._news.set()

    def _note_closed(self, code):
        self.close_code, self.closed_at = code, time.time()

    def _read_answer(self):
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        status, headers = read_head(head)
        if status != 101:
            if not self._opened.done():
                self._opened.set_exception(Refused(status, headers))
            self.transport.abort()
            return False
        self._buffer, self._is_upgraded = rest, True
        if not self._opened.done():
            self._opened.set_result(None)
        return True

    def _take(self, opcode, payload):
        if opcode == TEXT:
            text = payload.decode()
            if self.on_text is not None:
                self.on_text(text)
                return
            self.texts.append(text)
            self.arrivals.append(time.monotonic())
        elif opcode == PING:
            self.transport.write(make_frame(payload, PONG))
        elif opcode == CLOSE and self.close_code is None:
            self._note_closed(struct.unpack("!H", payload[:2])[0] if payload else 1005)
            self.transport.write(make_frame(payload[:2], CLOSE))
            self.transport.close()


async def connect(
    address: tuple[str, int],
    path: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    early: Sequence[str] = (),
    early_s: float = 0.1,
    limit_s: float = 30.0,
    receive_buffer: int | None = None,
    source: tuple[str, int] | None = None,
    on_text: Callable[[str], object] | None = None,
) -> Any:
    """Open a WebSocket and return it.

    Args:
        address: (host, port).
        headers: more headers, as (name, value) in str; a name that is there already is replaced.
        early: texts that are sent before the handshake is answered, if that takes a moment.
        early_s: how long after the handshake: hosts drop what they read in one piece with it.
        receive_buffer: size of the socket's receive buffer in bytes, for a client that is slow.
        source: (host, port) to connect from.
        on_text: called with each text from the first one on; then `texts` stays empty.

    Raises Refused, ConnectionError, TimeoutError.
    """
    raw = sockets.socket()
    raw.setblocking(False)
    if receive_buffer:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
    if source:
        raw.bind(source)
    loop = asyncio.get_running_loop()
    client = WebSocket(path, headers)
    client.on_text = on_text
    try:
        await loop.sock_connect(raw, address)
        await loop.create_connection(lambda: client, sock=raw)
        if early:
            await asyncio.sleep(early_s)
            for text in early:
                client.send(text)
        await asyncio.wait_for(client.opened(), limit_s)
    except BaseException:
        client.vanish()
        if client.transport is None:
            raw.close()
        raise
    return client


def read_head(head):
    """Return (status, headers as a dict of lower-case name -> value) of a response's head."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, _, value in pairs}


def _with_headers(handshake, headers):
    lines = handshake.decode().removesuffix("\r\n\r\n").split("\r\n")
    names = {name.lower() for name, _ in headers}
    lines = [line for line in lines if line.partition(":")[0].lower() not in names]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode()
