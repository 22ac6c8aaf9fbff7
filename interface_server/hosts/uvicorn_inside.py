"""What is used of uvicorn that it does not promise to keep: all in this file.

That is: its HTTP connections, which would wait for ever, or without end, for a request's head.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from interface_server.hosts.private_names import PrivateName, check_names

#: The release that this was last tried with.
TRIED = "0.54.0"

_HTTP = "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol"
_NAMES = [
    *(
        PrivateName(f"{_HTTP}.{name}", "the limits of a request's head")
        for name in ("connection_made", "connection_lost", "data_received", "on_message_begin")
    ),
    PrivateName(f"{_HTTP}.on_headers_complete", "the limits of a request's head"),
    PrivateName(f"{_HTTP}.loop", "the limits of a request's head"),
    PrivateName(f"{_HTTP}.transport", "the limits of a request's head"),
    PrivateName("uvicorn.server:Server.servers", "an end that finishes what was begun"),
]

#: Data comes in pieces of up to this size; the last one of a head may hold more than the head.
_PIECE_BYTES = 256 * 1024


def check() -> None:
    """Raise UnknownRelease if a name that is used here is not there any more."""
    check_names("uvicorn", TRIED, _NAMES)


def guard(head_timeout_s: float, max_header_bytes: int) -> type[asyncio.Protocol]:
    """Return an HTTP protocol class for uvicorn's `http` setting.

    Args:
        head_timeout_s: seconds that a head may take, from the connection or from its first byte.
        max_header_bytes: how large it may grow before the connection is closed.
    """
    return type(
        "GuardedHttp",
        (_GuardedHttp,),
        {"_head_timeout_s": head_timeout_s, "_max_bytes": max_header_bytes + _PIECE_BYTES},
    )


class _GuardedHttp(HttpToolsProtocol):
    _head_timeout_s: float
    _max_bytes: int
    _is_in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._max_bytes:
                self.transport.abort()
            elif self._head_timer is None:
                self._start_timer()

    def on_message_begin(self) -> None:
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(self._head_timeout_s, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
