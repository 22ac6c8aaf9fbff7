"""What is used of Daphne, Twisted and autobahn that they don't promise to keep: all in this file.

`check` is called before any of it is. The rest of this folder goes through the functions here.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

from daphne.server import Server  # first: it chooses Twisted's reactor
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer, reactor
from twisted.web import http

from channels.messages import APPLICATION_CODES, SENDABLE_CODES
from interface_server.asgi import Receive, Scope, Send
from interface_server.hosts.dates import http_date
from interface_server.hosts.gate import Gate, GateLimits
from interface_server.hosts.private_names import PrivateName, check_names
from interface_server.proxy import ROOT_PATH

#: Twisted has half of their types, and autobahn some that are too narrow.
_reactor: Any = reactor
_Socket: Any = WebSocketProtocol
_Channel: Any = http.HTTPChannel
_Connection: Any = http._GenericHTTPChannelProtocol

#: The releases that this was last tried with.
TRIED = {"daphne": "4.2.3", "twisted": "26.10.0", "autobahn": "26.10.2"}

_LOOP = "the event loop that applications run on"
#: How long a connection that is closed may take to send what is left.
_FLUSH_S = 10.0

_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}

_STREAMS = "bodies that stream, and clients that are held back"
_LIMITS = "the limits of a request's head"
_LIVES = "connections that end in time"
_HANDSHAKES = "the statuses of refused handshakes"
_CODES = "the close codes of sockets"

_NAMES = {
    "daphne": [
        PrivateName("daphne.server:Server.connections", _LIVES),
        PrivateName("daphne.server:Server.create_application", _STREAMS),
        PrivateName("daphne.server:Server.handle_reply", _STREAMS),
        PrivateName("daphne.server:Server.protocol_disconnected", _LIVES),
        PrivateName("daphne.server:Server.application_checker", _LIVES),
        PrivateName("daphne.server:Server.timeout_checker", _LIVES),
        PrivateName("daphne.http_protocol:HTTPFactory", _STREAMS),
        PrivateName("daphne.http_protocol:WebRequest.application_queue", _STREAMS),
        PrivateName("daphne.http_protocol:WebRequest.basic_error", _STREAMS),
        PrivateName("daphne.http_protocol:WebRequest.handle_reply", _STREAMS),
        PrivateName("daphne.ws_protocol:WebSocketFactory", _HANDSHAKES),
        PrivateName("daphne.ws_protocol:WebSocketProtocol.handshake_deferred", _HANDSHAKES),
        PrivateName("daphne.ws_protocol:WebSocketProtocol.serverAccept", _HANDSHAKES),
        PrivateName("daphne.ws_protocol:WebSocketProtocol.serverReject", _HANDSHAKES),
    ],
    "twisted": [
        PrivateName(
            "twisted.internet.asyncioreactor:AsyncioSelectorReactor._asyncioEventloop", _LOOP
        ),
        PrivateName("twisted.web.http:HTTPChannel.requests", _LIVES),
        PrivateName("twisted.web.http:HTTPChannel.persistent", _STREAMS),
        PrivateName("twisted.web.http:HTTPChannel._command", _STREAMS),
        PrivateName("twisted.web.http:HTTPChannel._path", _STREAMS),
        PrivateName("twisted.web.http:HTTPChannel._version", _STREAMS),
        PrivateName("twisted.web.http:_GenericHTTPChannelProtocol._channel", _LIVES),
        PrivateName("twisted.web.http:HTTPChannel.MAX_LENGTH", _LIMITS),
        PrivateName("twisted.web.http:HTTPChannel.totalHeadersSize", _LIMITS),
        PrivateName("twisted.web.http:HTTPChannel.maxHeaders", _LIMITS),
        PrivateName("twisted.web.http:HTTPChannel.checkPersistence", _LIMITS),
        PrivateName("twisted.web.http:HTTPChannel.loseConnection", _LIVES),
        PrivateName("twisted.web.http:HTTPChannel.connectionLost", _LIVES),
        PrivateName("twisted.web.http:HTTPFactory.protocol", _LIMITS),
        PrivateName("twisted.web.http:Request.startedWriting", _LIMITS),
        PrivateName("twisted.web.http:Request.gotLength", _STREAMS),
        PrivateName("twisted.web.http:Request.handleContentChunk", _STREAMS),
        PrivateName("twisted.web.http:Request.requestReceived", _STREAMS),
    ],
    "autobahn": [
        PrivateName("autobahn.websocket.protocol:WebSocketProtocol.sendCloseFrame", _CODES),
        PrivateName("autobahn.websocket.protocol:WebSocketProtocol._fail_connection", _CODES),
        PrivateName("autobahn.websocket.protocol:WebSocketProtocol.dropConnection", _CODES),
        PrivateName("autobahn.websocket.protocol:WebSocketProtocol.onCloseFrame", _CODES),
        PrivateName(
            "autobahn.websocket.protocol:WebSocketProtocol.CLOSE_STATUS_CODES_ALLOWED", _CODES
        ),
        PrivateName("autobahn.websocket.protocol:WebSocketServerProtocol.failHandshake", _CODES),
    ],
}


@functools.cache
def check() -> None:
    """Raise UnknownRelease if a name that is used here is not there any more."""
    for library, names in _NAMES.items():
        check_names(library, TRIED[library], names)


def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that Twisted's reactor runs on."""
    return cast(asyncio.AbstractEventLoop, _reactor._asyncioEventloop)


def is_running_here() -> bool:
    """Whether Twisted's reactor runs the current event loop: then Daphne is the host."""
    loop = getattr(_reactor, "_asyncioEventloop", None)
    return loop is asyncio.get_running_loop() and bool(_reactor.running)


def call_before_shutdown(stop: "Callable[[], defer.Deferred[None]]") -> None:
    """Call `stop` when the reactor stops, and let it end first."""
    _reactor.addSystemEventTrigger("before", "shutdown", stop)


def find_connection(send: Send) -> tuple[Any, Any] | None:
    """Return (server, request or WebSocket) that plain Daphne's `send` writes to, or None."""
    if not isinstance(send, functools.partial) or len(send.args) != 1:
        return None
    server = getattr(send.func, "__self__", None)
    return (server, send.args[0]) if isinstance(server, Server) else None


def find_queue(receive: Receive) -> "asyncio.Queue[Any] | None":
    """Return the queue that plain Daphne's `receive` reads from, or None."""
    queue = getattr(receive, "__self__", None)
    return queue if isinstance(queue, asyncio.Queue) else None


def is_socket(connection: object) -> bool:
    """Whether `connection` is a WebSocket of Daphne's."""
    return isinstance(connection, WebSocketProtocol)


def with_own_root_path(scope: Scope, server: Any, connection: Any) -> Scope:
    """Return a scope whose root path no client could choose.

    Daphne takes it from the header Daphne-Root-Path, whoever sent that, and keeps the header back:
    here it is a header again, and the InterfaceServer asks whether its sender is trusted.
    """
    found = _root_path_header(connection)
    if found is None:
        return scope
    headers = [*scope["headers"], (ROOT_PATH, found)]
    return {**scope, "headers": headers, "root_path": server.root_path}


def _root_path_header(connection: Any) -> bytes | None:
    if is_socket(connection):
        text: str | None = connection.request.headers.get(ROOT_PATH.decode())
        return None if text is None else text.encode("latin-1")
    values: list[bytes] | None = connection.requestHeaders.getRawHeaders(ROOT_PATH)
    return values[-1] if values else None


# -- handshakes -----------------------------------------------------------------------------------


def is_connecting(protocol: Any) -> bool:
    """Whether the handshake of a WebSocket is still to be answered."""
    return hasattr(protocol, "handshake_deferred")


def refuse_handshake(
    server: Any, protocol: Any, status: int, reason: str, headers: list[tuple[str, str]]
) -> None:
    """Answer a handshake with a status: Daphne's own way knows 403 only."""
    del protocol.handshake_deferred
    protocol.failHandshake(reason, status, headers)
    server.protocol_disconnected(protocol)


def send_close(protocol: Any, code: int) -> None:
    """Close a socket: `sendClose` takes only the codes that are left to applications."""
    protocol.sendCloseFrame(code=code, isReply=False)


class GatedSocket(_Socket):  # type: ignore[misc]
    """A WebSocket that reports the code it was failed with, where autobahn has the client's, and
    knows the codes that IANA has registered since autobahn's list was made."""

    _failed_with: int | None = None

    def _fail_connection(self, code: int = 1001, reason: str = "going away") -> None:
        self._failed_with = self._failed_with or code
        super()._fail_connection(code, reason)

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool | None:
        known: list[int] = self.CLOSE_STATUS_CODES_ALLOWED
        known.extend(SENDABLE_CODES.difference(known, APPLICATION_CODES))
        return cast(bool | None, super().onCloseFrame(code, reasonRaw))

    def dropConnection(self, abort: bool = False) -> None:
        """Let the close frame of a socket that was failed go out first."""
        if abort and self._failed_with is not None:
            _reactor.callLater(_FLUSH_S, self.transport.abortConnection)
            abort = False
        super().dropConnection(abort)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        super().onClose(wasClean, self._failed_with or code, reason)


# -- HTTP channels --------------------------------------------------------------------------------


class _GatedChannel(_Channel):  # type: ignore[misc]
    """Twisted's HTTP/1, without limits of its own: the Gate before it has them."""

    MAX_LENGTH = totalHeadersSize = 1024 * 1024
    maxHeaders = 64 * 1024
    _flush: Any = None

    def __init__(self, flush_timeout_s: float) -> None:
        super().__init__()
        self._flush_timeout_s = flush_timeout_s

    def loseConnection(self) -> None:
        """Close, but don't wait for ever for a client that takes nothing of what is left."""
        super().loseConnection()
        if self._flush is None:
            abort = self.transport.abortConnection
            self._flush = _reactor.callLater(self._flush_timeout_s, abort)

    def connectionLost(self, reason: Any) -> None:
        if self._flush is not None and self._flush.active():
            self._flush.cancel()
        super().connectionLost(reason)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Twisted's own splits `Connection` at spaces, and looks at the first only."""
        values = request.requestHeaders.getRawHeaders(b"Connection") or []
        tokens = {token.strip().lower() for token in b",".join(values).split(b",")}
        if version == b"HTTP/1.1" and b"close" not in tokens:
            return True
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False


class GatedConnection(_Connection):  # type: ignore[misc]
    """A connection that speaks HTTP: what comes over it as HTTP/1 goes through a Gate."""

    def __init__(self, limits: GateLimits, flush_timeout_s: float) -> None:
        super().__init__(_GatedChannel(flush_timeout_s))
        self._gate = Gate(limits, time.monotonic())

    @property
    def channel(self) -> Any:
        """Twisted's channel, of HTTP/1 or 2."""
        return self._channel

    def dataReceived(self, data: bytes) -> None:
        if getattr(self._channel.transport, "negotiatedProtocol", None) == b"h2":
            super().dataReceived(data)
            return
        passed = self._gate.feed(data, time.monotonic())
        if passed:
            super().dataReceived(passed)
        else:
            self._channel.resetTimeout()
        if self._gate.broken is not None:
            self._break_off(f"Bad Request: {self._gate.broken}".encode())

    def end_slow_head(self, latest_s: float) -> None:
        """Answer 408 if the head that is awaited began before `latest_s`."""
        if self._gate.begun_s is None or self._gate.begun_s > latest_s:
            return
        passed = self._gate.expire()
        if passed:
            super().dataReceived(passed)
        else:
            self._channel.transport.abortConnection()

    def _break_off(self, text: bytes) -> None:
        """End a connection of which no more can be understood, in the middle of a body."""
        requests = open_requests(self._channel)
        if len(requests) != 1 or requests[0].startedWriting:
            self._channel.transport.abortConnection()
            return
        self._channel.transport.write(
            b"HTTP/1.1 400 Bad Request\r\nDate: %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (http_date(), len(text), text)
        )
        self._channel.loseConnection()


def complete_start(request: Any, status: int) -> None:
    """Give a response that is to begin what Twisted leaves out: the date, names of newer statuses,
    and the end of a connection that the application says is the last of it."""
    headers = request.responseHeaders
    if not headers.hasHeader(b"date"):
        headers.setRawHeaders(b"date", [http_date()])
    if status not in http.RESPONSES:
        request.setResponseCode(status, _PHRASES.get(status, b""))
    if b"close" in (headers.getRawHeaders(b"connection") or ()):
        headers.setRawHeaders(b"connection", [b"close"])
        request.channel.persistent = False


def open_requests(channel: Any) -> list[Any]:
    """Return the requests of a channel that have begun, the last of which may be incomplete."""
    return list(getattr(channel, "requests", None) or ())


def request_line(channel: Any) -> tuple[bytes, bytes, bytes]:
    """Return (method, target, version) of the request whose head has just come."""
    return channel._command, channel._path, channel._version


def running_tasks(connections: dict[Any, dict[str, Any]]) -> Iterable["asyncio.Task[None]"]:
    """Yield the tasks of the applications in Daphne's table of connections."""
    for details in connections.values():
        if "application_instance" in details:
            yield details["application_instance"]
