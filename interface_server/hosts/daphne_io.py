"""`receive` and `send` for applications under Daphne, with what its own lack.

Daphne hands `functools.partial(server.handle_reply, protocol)` to applications as `send`, and the
`get` of an unbounded queue as `receive`: through both, what is needed here can be reached.
"""

import asyncio
import logging
from typing import Any

from twisted.internet import defer

from interface_server.asgi import Event, Receive, Scope, Send
from interface_server.hosts import daphne_inside
from interface_server.hosts.contract import Application
from interface_server.hosts.dates import http_date
from interface_server.hosts.private_names import UnknownRelease

logger = logging.getLogger("interface_server")

#: What a scope says of `SocketSend`; shared by all of them.
EXTENSIONS: dict[str, dict[str, str]] = {"websocket.http.response": {}}

#: Events of one client that may wait in Daphne's queue before its connection is no longer read,
#: and when it is read again.
_QUEUE_HIGH = 32
_QUEUE_LOW = 4

_REASONS = {
    400: "Bad Request",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def adapt_daphne(
    application: Application, scope: Scope, receive: Receive, send: Send
) -> tuple[Scope, Receive, Send]:
    """Return (scope, receive, send) for an application that plain Daphne has called."""
    if isinstance(send, (HttpSend, SocketSend)) or not daphne_inside.is_running_here():
        return scope, receive, send
    _prepare(application)
    connection = daphne_inside.find_connection(send)
    queue = daphne_inside.find_queue(receive)
    if connection is None or queue is None:
        _told.tell(
            "Daphne's `send` is wrapped by %r, so slow clients are not held back, handshakes can "
            "only be refused with 403, and close codes below 3000 are lost: let Daphne serve the "
            "channel layer itself, or use the interface-server command",
            getattr(send, "__qualname__", type(send).__qualname__),
        )
        return scope, receive, send
    server, protocol = connection
    scope = daphne_inside.with_own_root_path(scope, server, protocol)
    if daphne_inside.is_socket(protocol):
        return (
            {**scope, "extensions": EXTENSIONS},
            SocketReceive(queue, protocol),
            SocketSend(server, protocol),
        )
    return scope, receive, HttpSend(protocol)


class _Told:
    """Logs an error once for the life of the process."""

    def __init__(self) -> None:
        self._texts: set[str] = set()

    def tell(self, text: str, *arguments: object) -> None:
        if text not in self._texts:
            self._texts.add(text)
            logger.error(text, *arguments)


_told = _Told()


class _Writer:
    """A Twisted push producer that makes whoever writes wait while the client does not read."""

    __slots__ = ("_paused",)

    def __init__(self) -> None:
        self._paused: asyncio.Event | None = None

    async def _flow(self) -> None:
        if self._paused is not None:
            await self._paused.wait()

    def pauseProducing(self) -> None:
        if self._paused is None:
            self._paused = asyncio.Event()

    def resumeProducing(self) -> None:
        if self._paused is not None:
            self._paused.set()
            self._paused = None

    stopProducing = resumeProducing


class HttpSend(_Writer):
    """`send` for one request of Daphne's."""

    __slots__ = ("_is_registered", "_request")

    def __init__(self, request: Any) -> None:
        super().__init__()
        self._request = request
        self._is_registered = False

    async def __call__(self, event: Event) -> None:
        request = self._request
        if request.finished or request.channel is None:
            return  # the client has left
        more = event.get("more_body", False)
        if more and not self._is_registered:
            request.registerProducer(self, True)
            self._is_registered = True
        elif self._is_registered and not more:
            await self._flow()
            if request.finished or request.channel is None:
                return
            request.unregisterProducer()
            self._is_registered = False
        request.handle_reply(event)
        if event["type"] == "http.response.start":
            daphne_inside.complete_start(request, event["status"])
        if more:
            await self._flow()

    def abort(self) -> None:
        """Close the connection, or the stream of HTTP/2, in the middle of a response."""
        channel = self._request.channel
        if not self._request.finished and channel is not None:
            (channel.transport or channel).abortConnection()  # a stream has no transport


class SocketSend(_Writer):
    """`send` for one WebSocket of Daphne's."""

    __slots__ = ("_protocol", "_server", "_status")

    def __init__(self, server: Any, protocol: Any) -> None:
        super().__init__()
        self._server = server
        self._protocol = protocol
        self._status: Event = {}

    async def __call__(self, event: Event) -> None:
        kind = event["type"]
        if kind == "websocket.send":
            self._write(event)
            await self._flow()
        elif kind == "websocket.accept":
            self._accept(event.get("subprotocol"))
        elif kind == "websocket.close":
            self._close(event.get("code", 1000))
        elif kind == "websocket.http.response.start":
            self._status = event
        else:
            self._deny(self._status)

    def write_now(self, event: Event) -> bool:
        """Send a frame, unless the client does not read."""
        if self._paused is not None:
            return False
        self._write(event)
        return True

    def _write(self, event: Event) -> None:
        text = event.get("text")
        if text is not None:
            self._protocol.sendMessage(text.encode("utf-8"), False)
        else:
            self._protocol.sendMessage(event["bytes"], True)

    def _accept(self, subprotocol: str | None) -> None:
        protocol = self._protocol
        if not daphne_inside.is_connecting(protocol):
            return
        # The HTTP protocol that the socket began as is still there in this role.
        protocol.unregisterProducer()
        protocol.registerProducer(self, True)
        protocol.serverAccept(subprotocol)

    def _close(self, code: int) -> None:
        if daphne_inside.is_connecting(self._protocol):
            self._protocol.serverReject()
        else:
            daphne_inside.send_close(self._protocol, code)

    def _deny(self, event: Event) -> None:
        protocol = self._protocol
        if not daphne_inside.is_connecting(protocol):
            return
        status = event["status"]
        headers = [(n.decode("ascii"), v.decode("latin-1")) for n, v in event["headers"]]
        headers.append(("date", http_date().decode()))
        daphne_inside.refuse_handshake(self._server, protocol, status, _REASONS[status], headers)


class SocketReceive:
    """`receive` for one WebSocket of Daphne's: does not read on while much waits to be taken."""

    __slots__ = ("_is_held", "_protocol", "_queue")

    def __init__(self, queue: "asyncio.Queue[Event]", protocol: Any) -> None:
        self._queue = queue
        self._protocol = protocol
        self._is_held = False

    async def __call__(self) -> Event:
        waiting = self._queue.qsize()
        if waiting >= _QUEUE_HIGH:
            self.hold()
        elif self._is_held and waiting <= _QUEUE_LOW:
            self._is_held = False
            self._protocol.transport.resumeProducing()
        return await self._queue.get()

    def hold(self) -> None:
        """Read no more from the connection until this is called again."""
        if not self._is_held:
            self._is_held = True
            self._protocol.transport.pauseProducing()


def _prepare(application: Application) -> None:
    """At the first request: check the release, and stop with the reactor, as no lifespan tells."""
    if application.is_stopped_by_host:
        return
    application.is_stopped_by_host = True
    try:
        daphne_inside.check()
    except UnknownRelease as error:
        _told.tell("%s", error)
    daphne_inside.call_before_shutdown(lambda: _stop(application))


def _stop(application: Application) -> "defer.Deferred[None]":
    return defer.Deferred.fromFuture(asyncio.ensure_future(application.stop()))
