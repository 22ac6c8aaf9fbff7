"""An HTTP client on asyncio streams: one connection a request, read as slowly as one likes."""

import asyncio
import contextlib
import dataclasses
import socket as sockets
import time
from collections.abc import Sequence
from typing import Any

from tests.faults.clients.web_socket import read_head

_PIECE_BYTES = 64 * 1024


@dataclasses.dataclass
class Response:
    """A response that has been read to its end.

    `body` is what came; `is_complete` says whether that was all of it; `seconds` is the time from
    the start of the connection.
    """

    status: int
    headers: dict
    body: bytes
    is_complete: bool
    seconds: float


class Exchange:
    """A request under way, for those who want to read its response themselves."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self.status, self.headers = None, {}

    async def send(self, data):
        """Send a part of the request's body, as fast as it is taken. Raises ConnectionError."""
        self._writer.write(data)
        await self._writer.drain()

    async def read_head(self):
        """Wait for the status and the headers. Raises ConnectionError, IncompleteReadError."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        self.status, self.headers = read_head(head[:-4])
        return self.status

    async def read_on(self, rate):
        """Read `rate` bytes a second, whatever they are, until the connection ends."""
        while await self._reader.read(max(rate // 10, 1)):
            await asyncio.sleep(0.1)

    async def read_all(self):
        """Return every byte until the connection ends."""
        return await self._reader.read(-1)

    async def parts(self):
        """Yield the parts of the body as they come. Raises IncompleteReadError if it is cut."""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(await self._reader.readline() or b"!", 16):
                yield await self._reader.readexactly(size)
                await self._reader.readexactly(2)
            return
        missing = int(self.headers.get("content-length", 0))
        while missing:
            part = await self._reader.read(min(missing, _PIECE_BYTES))
            if not part:
                raise asyncio.IncompleteReadError(b"", missing)
            missing -= len(part)
            yield part

    def vanish(self):
        """Cut the connection without a word."""
        self._writer.transport.abort()

    async def close(self):
        """Close the connection."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def begin(
    address: tuple[str, int],
    path: str,
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    source: tuple[str, int] | None = None,
    buffer: int | None = None,
) -> Any:
    """Connect to `address`, (host, port), and send a request; return its Exchange.

    `headers`: pairs of str. `source`: (host, port) to connect from. `buffer`: bytes that are taken
    without being read, for a client that is slow.
    """
    raw = sockets.socket()
    raw.setblocking(False)
    if buffer:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, buffer)
    if source:
        raw.bind(source)
    try:
        await asyncio.get_running_loop().sock_connect(raw, address)
    except BaseException:
        raw.close()
        raise
    reader, writer = await asyncio.open_connection(sock=raw, limit=buffer or _PIECE_BYTES)
    names = {name.lower() for name, _ in headers}
    lines = [f"{method} {path} HTTP/1.1", "Connection: close"]
    lines += ["Host: localhost"] if "host" not in names else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    lines += [f"{name}: {value}" for name, value in headers]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    return Exchange(reader, writer)


async def fetch(
    address: tuple[str, int], path: str, *, limit_s: float = 30.0, **kwargs: Any
) -> Response:
    """Make a request (the arguments are those of `begin`) and return its Response.

    Raises ConnectionError, TimeoutError; a body that is cut off is not complete.
    """
    begun = time.monotonic()
    return await asyncio.wait_for(_fetch(address, path, kwargs, begun), limit_s)


async def _fetch(address, path, kwargs, begun):
    exchange = await begin(address, path, **kwargs)
    body, is_complete = [], True
    try:
        await exchange.read_head()
        try:
            async for part in exchange.parts():
                body.append(part)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            is_complete = False
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("closed without an answer") from error
    finally:
        await exchange.close()
    return Response(
        exchange.status, exchange.headers, b"".join(body), is_complete, time.monotonic() - begun
    )
