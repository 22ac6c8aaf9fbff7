"""What is used of Daphne, Twisted and autobahn that they don't promise to keep: all in this file.

`check` is called before any of it is. The rest of this folder goes through the functions here.
"""

import asyncio
import functools
from collections.abc import Callable, Iterable
from typing import Any, cast

from daphne.server import Server  # first: it chooses Twisted's reactor
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer, reactor

from interface_server.hosts.contract import Receive, Send
from interface_server.hosts.private_names import PrivateName, check_names

#: Twisted types its reactor as the module that it replaces.
_reactor: Any = reactor

#: The releases that this was last tried with.
TRIED = {"daphne": "4.2.3", "twisted": "26.10.0", "autobahn": "26.10.2"}

_LOOP = "the event loop that applications run on"
_STREAMS = "bodies that stream, and clients that are held back"
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
        PrivateName("twisted.web.http:Request.gotLength", _STREAMS),
        PrivateName("twisted.web.http:Request.handleContentChunk", _STREAMS),
        PrivateName("twisted.web.http:Request.requestReceived", _STREAMS),
    ],
    "autobahn": [
        PrivateName("autobahn.websocket.protocol:WebSocketProtocol.sendCloseFrame", _CODES),
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


# -- HTTP channels --------------------------------------------------------------------------------


def unwrap_channel(protocol: Any) -> Any:
    """Return the channel of a connection: Twisted wraps it, to choose between HTTP/1 and 2."""
    return getattr(protocol, "_channel", protocol)


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
