"""Daphne as the host of an interface server: what `interface-server` runs."""

import asyncio
import functools
import logging
import time
import weakref
from typing import Any, cast

from daphne.http_protocol import HTTPFactory
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import defer, endpoints, interfaces, reactor
from twisted.logger import ILogObserver, globalLogBeginner

from interface_server.asgi import Receive, Scope, Send
from interface_server.hosts import daphne_inside
from interface_server.hosts.contract import Application
from interface_server.hosts.daphne_inside import GatedConnection, GatedSocket
from interface_server.hosts.daphne_inside import check as check
from interface_server.hosts.daphne_io import EXTENSIONS, SocketReceive, SocketSend
from interface_server.hosts.daphne_upload import ASGI, StreamingRequest
from interface_server.hosts.gate import READ_FIRST_S, GateLimits
from interface_server.hosts.settings import HostSettings, Listen

logger = logging.getLogger("interface_server.daphne")

#: Daphne comes without types, and what a checker guesses of them is too narrow.
_Server: Any = Server
#: Twisted types its reactor as a module.
_reactor: Any = reactor
_endpoints: Any = endpoints

#: Time-outs that are the interface server's to decide: so long that Daphne's never come first.
_NEVER_S = 10**9
#: Connections that may wait to be accepted; Twisted's own default of 50 resets the rest of a storm.
_BACKLOG = 2048
#: How long a connection may be idle between requests. Longer than proxies keep theirs (nginx: 60),
#: or they send requests into connections that are just being closed.
_KEEP_ALIVE_S = 75
#: A client that is sent a close frame, and reads slowly, may take so long to answer it; as uvicorn
#: has it. Autobahn's own second cuts it off, and it never learns why.
_CLOSING_S = 10
#: How long clients may take for the last bytes they are sent before the process ends.
_FLUSH_S = 2.0


def run(application: Application, listen: Listen, settings: HostSettings) -> None:
    """Serve `application` until SIGTERM or SIGINT. Raises OSError if it can't listen.

    Args:
        application: the InterfaceServer.
        listen: the Listen that says where.
        settings: the HostSettings.
    """
    server = DaphneServer(application, describe(listen), settings)
    server.run()
    if server.failure is not None:
        raise OSError(server.failure)


def describe(listen: Listen) -> list[str]:
    """Return the Twisted endpoint descriptions of a Listen."""
    descriptions = list(listen.endpoints)
    if listen.port is not None:
        host = (listen.host or "").strip("[]").replace(":", "\\:")
        descriptions.append(f"tcp:port={listen.port}:interface={host}:backlog={_BACKLOG}")
    if listen.unix_socket:
        path = listen.unix_socket.replace("\\", "\\\\").replace(":", "\\:").replace("=", "\\=")
        descriptions.append(f"unix:{path}:backlog={_BACKLOG}")
    if listen.file_descriptor is not None:
        descriptions.append(f"fd:fileno={listen.file_descriptor}")
    return descriptions


class DaphneServer(_Server):  # type: ignore[misc]
    """Daphne, with uploads that stream, and an end that finishes what was begun."""

    def __init__(
        self, application: Application, descriptions: list[str], settings: HostSettings
    ) -> None:
        super().__init__(
            application,
            endpoints=descriptions,
            http_timeout=None,
            websocket_timeout=-1,
            websocket_connect_timeout=_NEVER_S,
            application_close_timeout=_NEVER_S,
            ping_interval=settings.ping_interval_s,
            ping_timeout=settings.ping_timeout_s,
            verbosity=settings.verbosity,
            signal_handlers=settings.handles_signals,
        )
        self.max_body_bytes = settings.max_body_bytes
        #: Why it could not listen, or None.
        self.failure: str | None = None
        self._settings = settings
        self._ports: list[Any] = []
        application.is_stopped_by_host = application.is_gated = True

    def run(self) -> None:
        """Listen, and run the reactor until it is stopped."""
        check()
        globalLogBeginner.beginLoggingTo(
            [cast(ILogObserver, _log_failure)], redirectStandardIO=False, discardBuffer=True
        )
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = StreamingFactory(
            self, GateLimits(self._settings.max_header_bytes), self._settings.flush_timeout_s
        )
        self.ws_factory = self._make_socket_factory()
        asyncio.set_event_loop(daphne_inside.event_loop())
        for description in self.endpoints:
            self._listen(description)
        if self.abort_start:
            return
        _reactor.callWhenRunning(self._start_application)
        _reactor.callLater(1, self.application_checker)
        _reactor.callLater(2, self.timeout_checker)
        daphne_inside.call_before_shutdown(self._before_shutdown)
        _reactor.run(installSignalHandlers=self.signal_handlers)

    def _make_socket_factory(self) -> Any:
        factory = WebSocketFactory(self, server=self.server_name)
        factory.protocol = GatedSocket
        factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=_CLOSING_S,
            echoCloseCodeReason=True,
            failByDrop=False,  # tell the client why, with 1002, 1007 or 1009
            maxMessagePayloadSize=self._settings.max_frame_bytes,
            maxFramePayloadSize=self._settings.max_frame_bytes,
        )
        return factory

    def _start_application(self) -> "defer.Deferred[object]":
        return defer.Deferred.fromFuture(asyncio.ensure_future(self.application.start()))

    # -- listening ----------------------------------------------------------------------------

    def _listen(self, description: str) -> None:
        try:
            listening = _endpoints.serverFromString(reactor, description).listen(self.http_factory)
        except (ValueError, TypeError, KeyError, OSError) as error:
            self._fail(f"can't listen on {description!r}: {error}")
            return
        listening.addCallbacks(self._note_port, lambda failure: self._fail(_text(failure)))

    def _note_port(self, port: Any) -> None:
        self._ports.append(port)
        if len(self._ports) == len(self.endpoints):
            self._settings.on_listening([_url(port) for port in self._ports])

    def _fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self.stop()

    # -- applications -------------------------------------------------------------------------

    def create_application(self, protocol: Any, scope: Scope) -> "asyncio.Queue[Any]":
        """Start the application for a WebSocket; return the queue that Daphne fills."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        is_secure = interfaces.ISSLTransport(protocol.transport, None) is not None
        scope = daphne_inside.with_own_root_path(scope, self, protocol)
        scope.update(
            asgi=ASGI,
            extensions=EXTENSIONS,
            http_version="1.1",
            scheme="wss" if is_secure else "ws",
        )
        receive, send = SocketReceive(queue, protocol), SocketSend(self, protocol)
        self.start_application(protocol, scope, receive, send)
        return queue

    def start_application(self, protocol: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one request or socket."""
        task = asyncio.ensure_future(self.application(scope, receive, send))
        details = self.connections[protocol]
        details["application_instance"] = task
        task.add_done_callback(lambda task: self._forget(protocol, details, task))

    def _forget(self, protocol: Any, details: dict[str, Any], task: "asyncio.Task[None]") -> None:
        """Drop a client that is done with at once: Daphne's own round comes once a second."""
        if "disconnected" in details and not task.cancelled() and task.exception() is None:
            self.connections.pop(protocol, None)

    def protocol_disconnected(self, protocol: Any) -> None:
        if protocol in self.connections:
            super().protocol_disconnected(protocol)

    def timeout_checker(self) -> None:
        """Every two seconds: Daphne's pings, and the end of connections that dawdle."""
        limit_s = self._settings.head_timeout_s
        _reactor.callLater(READ_FIRST_S, self.http_factory.look_at_slow, limit_s)
        super().timeout_checker()

    # -- the end ------------------------------------------------------------------------------

    def _before_shutdown(self) -> "defer.Deferred[None]":
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        """Listen no more, stop the application, send what is left to send, cancel the rest."""
        loop = asyncio.get_running_loop()
        for port in self._ports:
            closing = port.stopListening()
            if closing is not None:
                await closing.asFuture(loop)
        await self.application.stop()
        await self._close_connections()
        tasks = list(daphne_inside.running_tasks(self.connections))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close_connections(self) -> None:
        """Close connections once what is written to them has gone out, or soon."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _FLUSH_S
        transports = {protocol.transport for protocol in self.connections}
        transports |= self.http_factory.transports()
        transports.discard(None)
        for transport in transports:
            transport.loseConnection()
        while any(_is_open(transport) for transport in transports) and loop.time() < deadline:
            await asyncio.sleep(0.01)


class StreamingFactory(HTTPFactory):  # type: ignore[misc]
    """Makes the protocols of connections, and knows which are open."""

    def __init__(self, server: DaphneServer, limits: GateLimits, flush_timeout_s: float) -> None:
        super().__init__(server)
        self.protocol = functools.partial(GatedConnection, limits, flush_timeout_s)
        self.timeOut = _KEEP_ALIVE_S
        self._connections: weakref.WeakSet[GatedConnection] = weakref.WeakSet()

    def buildProtocol(self, addr: Any) -> Any:
        connection: Any = super().buildProtocol(addr)
        connection.requestFactory = StreamingRequest
        self._connections.add(connection)
        return connection

    def look_at_slow(self, head_timeout_s: float) -> None:
        """End the connections whose head has been on its way for too long, and start requests
        whose body comes so slowly that it is the application's to judge."""
        latest_s = time.monotonic() - head_timeout_s
        for connection in list(self._connections):
            connection.end_slow_head(latest_s)
            for request in daphne_inside.open_requests(connection.channel)[-1:]:
                request.start_unfinished()

    def log(self, request: Any) -> None:
        """Twisted's access log, which nobody reads here: its lines cost 5 % of a request."""

    def transports(self) -> set[Any]:
        """Return the transports of all connections that speak HTTP, idle ones too."""
        return {connection.channel.transport for connection in self._connections}


def _is_open(transport: Any) -> bool:
    return not getattr(transport, "disconnected", True)


def _url(port: Any) -> str:
    host = port.getHost()
    if hasattr(host, "port"):
        return f"http://{f'[{host.host}]' if ':' in host.host else host.host}:{host.port}"
    name = host.name.decode() if isinstance(host.name, bytes) else host.name
    return f"unix:{name}"


def _text(failure: Any) -> str:
    return str(failure.getErrorMessage())


def _log_failure(event: dict[str, Any]) -> None:
    """Pass on what Twisted logs of errors that nobody has handled."""
    if event.get("log_failure") is not None:
        failure = event["log_failure"]
        error = (failure.type, failure.value, failure.getTracebackObject())
        logger.error("%s", event.get("log_format") or "unhandled error", exc_info=error)
