"""The response side of one HTTP request, as ASGI events."""

import asyncio
import contextlib
import time

from channels.metrics import hooks
from channels.tracing import hooks as tracing
from interface_server.asgi import Headers, Receive, Scope, Send
from interface_server.options import Options

_REASONS = {
    400: b"Bad Request",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    414: b"URI Too Long",
    426: b"Upgrade Required",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    503: b"Service Unavailable",
    505: b"HTTP Version Not Supported",
}

#: How long a body that nobody wants is still read after its request was refused: a connection that
#: is closed with unread bytes is reset, and the client may never see why (RFC 9112, section 9.6).
_LINGER_S = 2.0


class Response:
    """What goes out to the client.

    Attributes:
        is_started: whether the client has got a status.
        sent_bytes: the bytes of content so far.
    """

    __slots__ = ("_arrived", "_options", "_scope", "_send", "is_started", "sent_bytes", "status")

    def __init__(self, scope: Scope, send: Send, options: Options) -> None:
        self._scope = scope
        self._send = send
        self._options = options
        self._arrived = time.perf_counter()
        self.is_started = False
        self.sent_bytes = 0
        self.status: int | None = None

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status and the headers."""
        self.is_started = True
        self.status = status
        if tracing.tracer.is_on:
            tracing.tracer.note("http.response.status_code", status)
        if hooks.meter.is_on:
            hooks.meter.request_answered(time.perf_counter() - self._arrived)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, content: bytes) -> None:
        """Send a part of the content; waits while the client takes none."""
        self.sent_bytes += len(content)
        await self._send({"type": "http.response.body", "body": content, "more_body": True})

    async def finish(self, content: bytes = b"") -> None:
        """Send the last part of the content."""
        self.sent_bytes += len(content)
        await self._send({"type": "http.response.body", "body": content, "more_body": False})
        if self._options.access_log is not None:
            self._options.access_log.write_request(self._scope, self.status, self.sent_bytes)

    async def refuse(
        self,
        status: int,
        receive: Receive | None = None,
        *,
        reason: str = "",
        more_headers: Headers | None = None,
    ) -> None:
        """Answer with an error of the server's own, and `reason` behind its name.

        With `receive`, what the client still sends of its body is read for a moment and dropped.
        """
        text = _REASONS[status] + (f": {reason}\n".encode() if reason else b"")
        headers = [
            *(more_headers or ()),
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(text)),
        ]
        if status != 500 or receive is not None:
            headers.append((b"connection", b"close"))
        if status == 503:
            headers.append((b"retry-after", b"%d" % self._options.retry_after_s))
        with contextlib.suppress(OSError):  # the client may have left meanwhile
            await self.start(status, headers)
            text = b"" if self._scope["method"] == "HEAD" else text
            if receive is None:
                await self.finish(text)
            else:
                await self.write(text)
                await _drop_body(receive)
                await self.finish()

    def abort(self) -> None:
        """Close the connection of a response that can't be completed."""
        # Host servers do so themselves when an application returns too soon; Daphne does not.
        abort = getattr(self._send, "abort", None)
        if abort is not None:
            abort()


async def _drop_body(receive: Receive) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_read_to_end(receive), _LINGER_S)


async def _read_to_end(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass
