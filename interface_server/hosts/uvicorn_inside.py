"""What is used of uvicorn that it does not promise to keep: all in this file.

That is: its HTTP connections, with a Gate before each, and its WebSockets, which would take some
heads for ever to answer, and report connections that broke as closed without a code.
"""

import asyncio
import logging
import os

#: Documented by websockets, which reads them when it is imported. The Gate has limits of its own.
os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", str(1024 * 1024))
os.environ.setdefault("WEBSOCKETS_MAX_NUM_HEADERS", str(64 * 1024))

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import (
    WebSocketsSansIOProtocol,
)
from websockets import http11

from interface_server.asgi import Event
from interface_server.hosts.gate import READ_FIRST_S, Gate, GateLimits
from interface_server.hosts.gathering import GatheringTransport
from interface_server.hosts.private_names import (
    PrivateName,
    UnknownRelease,
    check_names,
)
from interface_server.hosts.settings import HostSettings

#: The releases that this was last tried with.
TRIED = {"uvicorn": "0.54.0", "websockets": "17.4"}

#: How long a connection that is closed may take to send what is left.
_FLUSH_S = 10.0

_LIMITS = "the limits of a request's head"
_CODES = "the close codes of sockets"
_PROMPT = "frames that need no task"
_HTTP = "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol"
_SOCKET = "uvicorn.protocols.websockets.websockets_sansio_impl:WebSocketsSansIOProtocol"

_NAMES = {
    "uvicorn": [
        PrivateName(f"{_HTTP}.connection_made", _LIMITS),
        PrivateName(f"{_HTTP}.connection_lost", _LIMITS),
        PrivateName(f"{_HTTP}.data_received", _LIMITS),
        PrivateName(f"{_HTTP}.handle_websocket_upgrade", _LIMITS),
        PrivateName(f"{_HTTP}.send_400_response", _LIMITS),
        PrivateName(f"{_HTTP}._unset_keepalive_if_required", _LIMITS),
        PrivateName(f"{_HTTP}.loop", _LIMITS),
        PrivateName(f"{_HTTP}.transport", _LIMITS),
        PrivateName(f"{_HTTP}.cycle", _LIMITS),
        PrivateName(f"{_HTTP}.pipeline", _LIMITS),
        PrivateName(
            "uvicorn.protocols.http.httptools_impl:RequestResponseCycle.response_started", _LIMITS
        ),
        PrivateName(f"{_SOCKET}.connection_lost", _CODES),
        PrivateName(f"{_SOCKET}.data_received", _LIMITS),
        PrivateName(f"{_SOCKET}.run_asgi", _LIMITS),
        PrivateName(f"{_SOCKET}.keepalive_timeout", _LIMITS),
        PrivateName(f"{_SOCKET}.send", _PROMPT),
        PrivateName(f"{_SOCKET}.writable", _PROMPT),
        PrivateName(f"{_SOCKET}.handshake_initiated", _LIMITS),
        PrivateName(f"{_SOCKET}.queue", _CODES),
        PrivateName(f"{_SOCKET}.conn", _CODES),
        PrivateName("uvicorn.server:Server.servers", "an end that finishes what was begun"),
    ],
    "websockets": [
        PrivateName("websockets.http11:MAX_LINE_LENGTH", _LIMITS),
        PrivateName("websockets.http11:MAX_NUM_HEADERS", _LIMITS),
    ],
}


def check() -> None:
    """Raise UnknownRelease if a name that is used here is not there any more."""
    for library, names in _NAMES.items():
        check_names(library, TRIED[library], names)
    if GateLimits().max_header_bytes > http11.MAX_LINE_LENGTH:
        raise UnknownRelease(
            f"websockets takes lines of {http11.MAX_LINE_LENGTH} bytes only: import it later, or "
            "set WEBSOCKETS_MAX_LINE_LENGTH to 65536 or more"
        )


def gated_http(settings: HostSettings) -> type[asyncio.Protocol]:
    """Return an HTTP protocol class for uvicorn's `http` setting."""
    limits = GateLimits(settings.max_header_bytes)
    return type("GatedHttp", (_GatedHttp,), {"_settings": settings, "_limits": limits})


class _GatedHttp(HttpToolsProtocol):
    _settings: HostSettings
    _limits: GateLimits
    _gate: Gate
    _gathering: GatheringTransport
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._gathering = GatheringTransport(transport, self.loop)
        super().connection_made(self._gathering)  # type: ignore[arg-type]
        self._gate = Gate(self._limits, self.loop.time())
        self._timer = self.loop.call_later(self._settings.head_timeout_s, self._look_at_head)

    def data_received(self, data: bytes) -> None:
        passed = self._gate.feed(data, self.loop.time())
        if passed:
            super().data_received(passed)
        else:
            self._unset_keepalive_if_required()
        if self._gate.broken is not None:
            self._break_off(self._gate.broken)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._stop_timer()
        self._gathering.flush()
        self.transport = self._gathering.transport
        super().handle_websocket_upgrade()

    def _look_at_head(self) -> None:
        """One timer follows a connection from head to head, and is late for none of them.

        It also ends one that was closed, and whose client takes nothing of what is left for it.
        """
        if self.transport.is_closing():
            self._timer = self.loop.call_later(self._settings.flush_timeout_s, self.transport.abort)
            return
        left_s = self._left_s()
        if left_s > 0:
            self._timer = self.loop.call_later(left_s, self._look_at_head)
        else:
            self._timer = self.loop.call_later(READ_FIRST_S, self._end_slow_head)

    def _left_s(self) -> float:
        """How long the head that is awaited may take yet."""
        begun_s, limit_s = self._gate.begun_s, self._settings.head_timeout_s
        return limit_s if begun_s is None else limit_s - (self.loop.time() - begun_s)

    def _end_slow_head(self) -> None:
        if self.transport.is_closing() or self._left_s() > 0:
            self._look_at_head()
            return
        self._timer = None
        passed = self._gate.expire()
        if passed:
            super().data_received(passed)
        else:
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _break_off(self, reason: str) -> None:
        """End a connection of which no more can be understood, in the middle of a body."""
        if self.transport.is_closing():
            return
        if self.pipeline or self.cycle is None or self.cycle.response_started:
            self.transport.abort()
        else:
            self.send_400_response(f"Bad Request: {reason}")


class _NoTracebacks(logging.Filter):
    """A client that sends bad UTF-8 is told so with 1007; a traceback of it is of no use."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Invalid UTF-8 sequence")


logging.getLogger("uvicorn.error").addFilter(_NoTracebacks())


class GatedSend:
    """`send` for one WebSocket, which can write a frame at once: uvicorn waits for nothing but for
    the client to read."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: WebSocketsSansIOProtocol) -> None:
        self._protocol = protocol

    async def __call__(self, event: Event) -> None:
        await WebSocketsSansIOProtocol.send(self._protocol, event)  # type: ignore[arg-type]

    def write_now(self, event: Event) -> bool:
        """Send a frame, unless the client does not read."""
        protocol = self._protocol
        if not protocol.writable.is_set():
            return False
        writing = WebSocketsSansIOProtocol.send(protocol, event)  # type: ignore[arg-type]
        try:
            writing.send(None)
        except StopIteration:
            return True
        writing.close()  # half of the frame may be gone: better no connection than a hole in it
        protocol.transport.abort()
        protocol.logger.error(
            "a socket is cut off: this uvicorn waits for more than the client to send a frame; use "
            "uvicorn %s, which this was tried with",
            TRIED["uvicorn"],
        )
        return True


class GatedSocket(WebSocketsSansIOProtocol):
    """A WebSocket, after the Gate has found its handshake to be one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.send = GatedSend(self)  # type: ignore[method-assign, assignment]

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            # The whole head has come: websockets does not take it, whatever it has to say of it.
            self.logger.warning("a handshake was refused: %s", self.conn.handshake_exc)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        # Counts if no close frame came before it: RFC 6455, section 7.1.5.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        super().connection_lost(exc)
        self.__dict__.pop("send", None)  # each holds the other

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self._abort_later()

    def _abort_later(self) -> None:
        """Don't wait for ever for a client that takes none of what is left for it."""
        self.loop.call_later(_FLUSH_S, self.transport.abort)
