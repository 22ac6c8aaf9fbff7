"""`receive` and `send` for applications under Daphne, with what its own lack.

Daphne hands `functools.partial(server.handle_reply, protocol)` to applications as `send`, and the
`get` of an unbounded queue as `receive`: through both, what is needed here can be reached.
"""

import asyncio

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer, reactor

#: What a scope says of `SocketSend`; shared by all of them.
EXTENSIONS = {"websocket.http.response": {}}

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


def adapt_daphne(application, scope, receive, send):
    """Return (scope, receive, send) for an application that plain Daphne has called."""
    server = getattr(send.func, "__self__", None)
    if not isinstance(server, Server) or len(send.args) != 1:
        return scope, receive, send
    _stop_with_reactor(application)
    protocol = send.args[0]
    if isinstance(protocol, WebSocketProtocol):
        return (
            {**scope, "extensions": EXTENSIONS},
            SocketReceive(receive.__self__, protocol),
            SocketSend(server, protocol),
        )
    return scope, receive, HttpSend(protocol)


class _Writer:
    """A Twisted push producer that makes whoever writes wait while the client does not read."""

    __slots__ = ("_paused",)

    def __init__(self):
        self._paused = None

    async def _flow(self):
        if self._paused is not None:
            await self._paused.wait()

    def pauseProducing(self):
        if self._paused is None:
            self._paused = asyncio.Event()

    def resumeProducing(self):
        if self._paused is not None:
            self._paused.set()
            self._paused = None

    stopProducing = resumeProducing


class HttpSend(_Writer):
    """`send` for one request of Daphne's."""

    __slots__ = ("_is_registered", "_request")

    def __init__(self, request):
        super().__init__()
        self._request = request
        self._is_registered = False

    async def __call__(self, event):
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
        if more:
            await self._flow()

    def abort(self):
        """Close the connection, or the stream of HTTP/2, in the middle of a response."""
        channel = self._request.channel
        if not self._request.finished and channel is not None:
            (channel.transport or channel).abortConnection()  # a stream has no transport


class SocketSend(_Writer):
    """`send` for one WebSocket of Daphne's."""

    __slots__ = ("_protocol", "_server", "_status")

    def __init__(self, server, protocol):
        super().__init__()
        self._server = server
        self._protocol = protocol
        self._status = None

    async def __call__(self, event):
        kind = event["type"]
        protocol = self._protocol
        if kind == "websocket.send":
            text = event.get("text")
            if text is not None:
                protocol.sendMessage(text.encode("utf-8"), False)
            else:
                protocol.sendMessage(event["bytes"], True)
            await self._flow()
        elif kind == "websocket.accept":
            self._accept(event.get("subprotocol"))
        elif kind == "websocket.close":
            self._close(event.get("code", 1000))
        elif kind == "websocket.http.response.start":
            self._status = event
        else:
            self._deny(self._status)

    def _accept(self, subprotocol):
        protocol = self._protocol
        if not hasattr(protocol, "handshake_deferred"):
            return
        # The HTTP protocol that the socket began as is still there in this role.
        protocol.unregisterProducer()
        protocol.registerProducer(self, True)
        protocol.serverAccept(subprotocol)

    def _close(self, code):
        if hasattr(self._protocol, "handshake_deferred"):
            self._protocol.serverReject()
        else:
            # Not `sendClose`, which takes only the codes that are left to applications.
            self._protocol.sendCloseFrame(code=code, isReply=False)

    def _deny(self, event):
        protocol = self._protocol
        if not hasattr(protocol, "handshake_deferred"):
            return
        del protocol.handshake_deferred
        headers = [(n.decode("ascii"), v.decode("latin-1")) for n, v in event["headers"]]
        protocol.failHandshake(_REASONS[event["status"]], event["status"], headers)
        self._server.protocol_disconnected(protocol)


class SocketReceive:
    """`receive` for one WebSocket of Daphne's: does not read on while much waits to be taken."""

    __slots__ = ("_is_held", "_protocol", "_queue")

    def __init__(self, queue, protocol):
        self._queue = queue
        self._protocol = protocol
        self._is_held = False

    async def __call__(self):
        waiting = self._queue.qsize()
        if waiting >= _QUEUE_HIGH:
            self.hold()
        elif self._is_held and waiting <= _QUEUE_LOW:
            self._is_held = False
            self._protocol.transport.resumeProducing()
        return await self._queue.get()

    def hold(self):
        """Read no more from the connection until this is called again."""
        if not self._is_held:
            self._is_held = True
            self._protocol.transport.pauseProducing()


def _stop_with_reactor(application):
    """Stop `application` when the reactor stops: Daphne has no lifespan to tell it."""
    if not application.is_stopped_by_host:
        application.is_stopped_by_host = True
        reactor.addSystemEventTrigger("before", "shutdown", lambda: _stop(application))


def _stop(application):
    return defer.Deferred.fromFuture(asyncio.ensure_future(application.stop()))
