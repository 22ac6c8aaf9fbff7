"""Replies on `http.response.*` as ASGI events, or as the mistake that they are. No I/O here."""

import re
from typing import Any

from interface_server.asgi import Headers, Message
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


class ResponseStart:
    """The checked first reply: `status`, `headers` as [(bytes, bytes)], `length` if declared."""

    __slots__ = ("headers", "length", "status")

    def __init__(self, status: int, headers: Headers, length: int | None) -> None:
        self.status = status
        self.headers = headers
        self.length = length


def read_start(message: Message) -> ResponseStart:
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


def read_content(message: Message) -> tuple[bytes, bool]:
    """Return (content, more_content) of any reply. Raises BadReply."""
    content = message.get("content")
    if content is None:
        content = b""
    elif type(content) is not bytes:
        if not isinstance(content, (bytes, bytearray, memoryview)):
            raise BadReply(f"'content' must be bytes, got {type(content).__name__}: encode it")
        content = bytes(content)
    return content, bool(message.get("more_content"))


def is_cut_off(message: Message) -> bool:
    """Whether a reply says that its response has failed, and must not pass for a whole one."""
    return bool(message.get("closed"))


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
