"""The response side of one HTTP request: what its replies say, and the ASGI events that go out."""

import asyncio
import contextlib
import re
import time
from typing import Any

from channels.layers.time_limit import within
from channels.messages import Content
from channels.metrics import hooks
from channels.tracing import hooks as tracing
from interface_server.asgi import Headers, Receive, Scope, Send
from interface_server.options import Options
from interface_server.replies import BadReply

#: What a header name is made of: RFC 9110, section 5.6.2 ("token").
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
#: What no header value may hold (RFC 9110, section 5.5): a line break in one would let it write
#: the rest of the response.
_ILLEGAL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
#: Framing is the host server's business.
_HOP_BY_HOP = frozenset([b"transfer-encoding"])
_BODILESS = frozenset([204, 304])

#: Header names seen before, as given -> as sent. Bounded: names may come from a client.
_clean_names: dict[bytes | str, bytes] = {}
_CLEAN_NAMES_LIMIT = 1_000

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
        await within(_LINGER_S, _read_to_end(receive))


async def _read_to_end(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass


# -- what a reply says: no I/O here ----------------------------------------------------------------


class ResponseStart:
    """The checked first reply: `status`, `headers` as [(bytes, bytes)], `length` if declared."""

    __slots__ = ("headers", "length", "status")

    def __init__(self, status: int, headers: Headers, length: int | None) -> None:
        self.status = status
        self.headers = headers
        self.length = length


def read_start(message: Content) -> ResponseStart:
    """Return the ResponseStart of a first reply. Raises BadReply."""
    status = message.get("status")
    if type(status) is not int or not 200 <= status <= 599:
        raise BadReply(f"the first reply needs a 'status' from 200 to 599, got {status!r}")
    headers: Headers = []
    length: int | None = None
    for name, value in _pairs(message.get("headers")):
        name = _clean_names.get(name) or _clean_name(name)
        if type(value) is not bytes:
            value = _to_bytes(name, value)
        if _ILLEGAL.search(value):
            raise BadReply(f"header {name!r} has a control character in its value {value!r}")
        if name == b"content-length":
            length = _read_length(value, length)
            if status in _BODILESS:
                continue
        if name not in _HOP_BY_HOP:
            headers.append((name, value.strip(b" \t")))
    return ResponseStart(status, headers, length)


def read_content(message: Content) -> tuple[bytes, bool]:
    """Return (content, more_content) of any reply. Raises BadReply."""
    content = message.get("content")
    if content is None:
        content = b""
    elif type(content) is not bytes:
        if not isinstance(content, (bytes, bytearray, memoryview)):
            raise BadReply(f"'content' must be bytes, got {type(content).__name__}: encode it")
        content = bytes(content)
    return content, bool(message.get("more_content"))


def is_cut_off(message: Content) -> bool:
    """Whether a reply says that its response has failed, and must not pass for a whole one."""
    return bool(message.get("closed"))


def status_of_failure(message: Content) -> int:
    """The status of a response that has failed before it began: 400 if the client is to blame."""
    return 400 if message.get("status") == 400 else 500


def has_body(method: str, status: int) -> bool:
    """Whether a response may carry a body: RFC 9110, section 6.4.1."""
    return method != "HEAD" and status not in _BODILESS


def check_length(start: ResponseStart, length: int, method: str) -> None:
    """Raise BadReply if a response of `length` bytes is not what its Content-Length promised."""
    if start.length not in (None, length) and has_body(method, start.status):
        raise BadReply(f"content-length is {start.length}, but the content has {length} bytes")


def _pairs(headers: object) -> list[Any] | tuple[Any, ...]:
    if headers is None:
        return []
    if isinstance(headers, dict):
        headers = list(headers.items())
    if not isinstance(headers, (list, tuple)):
        raise BadReply(f"'headers' must be a list of [name, value], got {headers!r}")
    for pair in headers:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise BadReply(f"'headers' must be a list of [name, value]; one of them is {pair!r}")
        if not isinstance(pair[0], (bytes, str)):
            raise BadReply(f"a header name must be bytes, got {pair[0]!r}")
    return headers


def _clean_name(given: bytes | str) -> bytes:
    try:
        name = given.encode("ascii") if isinstance(given, str) else bytes(given)
    except UnicodeEncodeError as error:
        raise BadReply(f"header name {given!r} is not ASCII") from error
    if not _NAME.fullmatch(name):
        raise BadReply(f"{given!r} can't be a header name")
    name = name.lower()
    if len(_clean_names) < _CLEAN_NAMES_LIMIT:
        _clean_names[given] = name
    return name


def _to_bytes(name: bytes, value: object) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError:
            raise BadReply(f"header {name!r} can't hold {value!r}: encode it yourself") from None
    raise BadReply(f"header {name!r} must be bytes, got {type(value).__name__} {value!r}")


def _read_length(value: bytes, before: int | None) -> int:
    if not value.isdigit() or len(value) > 18 or before is not None:
        raise BadReply(f"content-length must be there once, and a number, got {value!r}")
    return int(value)
