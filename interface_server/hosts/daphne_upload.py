"""HTTP requests under Daphne whose bodies reach the application while they arrive.

Daphne's own requests keep a body on disk until it is complete, then hand all of it to a queue in
memory at once; Twisted parses a form on the way. Here the application starts when the head is
there, takes the body as it comes, and the connection is not read faster than that.
"""

import asyncio
import re
import time
import urllib.parse
from typing import Any

from daphne.http_protocol import WebRequest
from twisted.web import http

from interface_server.asgi import Event, Scope
from interface_server.hosts import daphne_inside
from interface_server.hosts.daphne_io import HttpSend

#: Daphne comes without types, and what a checker guesses of them is too narrow.
_Request: Any = WebRequest

#: What a scope says of the protocol between host and application; shared by all of them.
ASGI = {"version": "3.0", "spec_version": "2.3"}

#: Up to this size a body is collected before the application starts: one event, one message.
_COLLECT_BYTES = 64 * 1024
#: And for this long.
_COLLECT_S = 1.0
#: What may wait for the application before the connection is no longer read.
_WAITING_BYTES = 256 * 1024

#: Not allowed in a header's value: RFC 9110, section 5.5.
_ILLEGAL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class BodyQueue:
    """The `receive` of one request, filled by Twisted.

    Args:
        channel: Twisted's channel that the body comes from, or None if it can't be paused.
    """

    __slots__ = ("_bytes", "_channel", "_events", "_is_paused", "_waiter")

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._events: list[Event] = []
        self._bytes = 0
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        """Take an event from the host."""
        self._events.append(event)
        self._bytes += len(event.get("body", b""))
        if self._bytes > _WAITING_BYTES and not self._is_paused and self._channel is not None:
            self._is_paused = True
            # It is us who keep the client waiting: no idle time-out now, but the same one later.
            self._channel.timeOut = self._channel.setTimeout(None)
            self._channel.transport.pauseProducing()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    put_nowait = put  # Daphne's name for it

    async def __call__(self) -> Event:
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._take()
        if self._is_paused and not self._events:
            self._is_paused = False
            self._channel.setTimeout(self._channel.timeOut)
            self._channel.transport.resumeProducing()
        return event

    def _take(self) -> Event:
        """Return the next event; pieces of a body that wait together are one."""
        if len(self._events) > 1 and all(e["type"] == "http.request" for e in self._events):
            body = b"".join(event["body"] for event in self._events)
            event: Event = {**self._events[-1], "body": body}
            self._events.clear()
        else:
            event = self._events.pop(0)
        self._bytes = sum(len(waiting.get("body", b"")) for waiting in self._events)
        return event


class StreamingRequest(_Request):  # type: ignore[misc]
    """One request; the application is started with the head, or with the whole of a small body."""

    _has_head = False
    _head_s = 0.0
    _receive: BodyQueue | None = None
    _has_all_content = False

    def gotLength(self, length: int | None) -> None:
        """The head is there; `length` is what its body will have, None if it is chunked."""
        self._has_head, self._head_s = True, time.monotonic()
        is_http_1 = isinstance(self.channel, http.HTTPChannel)
        if is_http_1 and (length is None or length > _COLLECT_BYTES):
            self._refuse_to_continue(length)
            self._read_request_line(*daphne_inside.request_line(self.channel))
            self._start(BodyQueue(self.channel))
        else:
            super().gotLength(length)

    def start_unfinished(self) -> None:
        """Start the application if the rest of a small body does not come: it has time-outs."""
        is_waiting = self._has_head and self._receive is None and not self._has_all_content
        if not is_waiting or time.monotonic() - self._head_s < _COLLECT_S:
            return
        self._read_request_line(*daphne_inside.request_line(self.channel))
        receive = BodyQueue(self.channel)
        self.content.seek(0, 0)
        receive.put({"type": "http.request", "body": self.content.read(), "more_body": True})
        self._start(receive)

    def _refuse_to_continue(self, length: int | None) -> None:
        """Don't invite the client to send what will be refused."""
        limit = self.server.max_body_bytes
        if limit is not None and length is not None and length > limit:
            self.requestHeaders.removeHeader(b"Expect")

    def handleContentChunk(self, data: bytes) -> None:
        if self._receive is None:
            super().handleContentChunk(data)
        elif data:
            self._receive.put({"type": "http.request", "body": data, "more_body": True})

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self._has_all_content = True
        if self._receive is not None:
            self._receive.put({"type": "http.request", "body": b"", "more_body": False})
            return
        self._read_request_line(command, path, version)
        upgrade = self.requestHeaders.getRawHeaders(b"Upgrade")
        if upgrade and upgrade[0].lower() == b"websocket":
            self.content.seek(0, 0)
            self.process()  # Daphne's: it hands the connection over
            return
        self.content.seek(0, 0)
        receive = BodyQueue(None)
        receive.put({"type": "http.request", "body": self.content.read(), "more_body": False})
        self._start(receive)

    def _read_request_line(self, command: bytes, path: bytes, version: bytes) -> None:
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.args: dict[bytes, list[bytes]] = {}

    def _start(self, receive: BodyQueue) -> None:
        """Start the application, or answer what no application should see."""
        self._receive = receive
        self.application_queue: BodyQueue | None = receive
        scope = self._make_scope()
        if scope is None:
            self.path = b"/"
            self.application_queue = None
            self.basic_error(400, b"Bad Request", "Illegal characters in path, query or header")
        else:
            self.server.start_application(self, scope, receive, HttpSend(self))

    def _make_scope(self) -> Scope | None:
        path, _, query = self.uri.partition(b"?")
        headers = []
        for name, values in self.requestHeaders.getAllRawHeaders():
            name = name.lower()
            for value in values:
                if _ILLEGAL.search(value):
                    return None
                headers.append((name, value))
        if not (path.isascii() and query.isascii()):
            return None
        self.client_addr, self.server_addr = _address(self.client), _address(self.host)
        return {
            "type": "http",
            "asgi": ASGI,
            "http_version": self.clientproto.rpartition(b"/")[2].decode("ascii"),
            "method": self.method.decode("ascii", "replace"),
            "path": urllib.parse.unquote(path.decode("ascii")),
            "raw_path": path,
            "root_path": "",
            "scheme": "https" if self.isSecure() else "http",
            "query_string": query,
            "headers": headers,
            "client": self.client_addr,
            "server": self.server_addr,
        }

    def finish(self) -> None:
        if not self._has_all_content:
            # What is left of the body would be taken for the next request.
            self.channel.persistent = False
        super().finish()

    def send_disconnect(self) -> None:
        if self._receive is not None:
            self._receive.put({"type": "http.disconnect"})


def _address(end: Any) -> list[Any] | None:
    return [str(end.host), end.port] if hasattr(end, "port") else None
