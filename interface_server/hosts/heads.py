"""The head of an HTTP/1 request: what of it every host server reads alike. No I/O here.

Host servers differ in what they take: one joins folded headers, one answers an unknown method, one
waits for 10^22 bytes. What reads alike is passed on as it came; what can be said in other words is
(an absolute target, an upgrade to something else than WebSocket); the rest is refused with the
status that RFC 9112 and RFC 9110 ask for.
"""

import base64
import binascii
import re
from typing import NamedTuple

from interface_server.hosts.refusal import METHODS, Refused, judge_method

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
#: A header value: RFC 9110, section 5.5, without what can break a line.
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
#: A path and a query. Also what RFC 3986 has escaped and clients don't, but no fragment.
_PATH = rb"/[!\"$-~]*"

#: A head with nothing to look at closer, but for what `_NOTABLE` finds.
_PLAIN_HEAD = re.compile(
    rb"([A-Z-]+) " + _PATH + rb" HTTP/1\.[01]\r\n(?:" + _TOKEN + rb":" + _VALUE + rb"\r\n)*\r\n"
)
#: A Host and a Content-Length that need no closer look, in lower case.
_PLAIN_HOST = re.compile(rb"\nhost: (?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]*)?\r\n")
_PLAIN_LENGTH = re.compile(rb"\ncontent-length: ([0-9]{1,18})\r\n")

_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/([0-9])\.([0-9])")
_HEADER = re.compile(rb"(" + _TOKEN + rb"):(" + _VALUE + rb")")
_ORIGIN_FORM = re.compile(_PATH)
_ABSOLUTE_FORM = re.compile(rb"(?:https?|wss?)://([^/?#]*)([/?][!\"$-~]*)?", re.IGNORECASE)
#: RFC 3986, section 3.2, without user information; a port at the end. It may be empty.
_AUTHORITY = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")

#: A length that no server can hold: what is longer than its digits is refused unread.
_LONGEST_LENGTH = 18


class Head(NamedTuple):
    """What is known of a request once its head is there.

    Attributes:
        data: the head to pass on to the host server.
        length: the bytes of its body; None for one that is chunked.
        is_handshake: whether it asks for a WebSocket: what follows is no HTTP.
    """

    data: bytes
    length: int | None
    is_handshake: bool


class _Fields(NamedTuple):
    """The request line and the headers, taken apart; header names as they came."""

    method: bytes
    target: bytes
    version: bytes
    pairs: list[tuple[bytes, bytes]]

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.pairs if key.lower() == name]

    def tokens(self, name: bytes) -> list[bytes]:
        """Return the comma-separated tokens of all headers `name`, in lower case."""
        values = b",".join(self.values(name)).lower().split(b",")
        return [value.strip(b" \t") for value in values if value.strip(b" \t")]


def read_head(data: bytes) -> Head:
    """Return the Head of a request; `data` ends with its empty line. Raises Refused."""
    length = read_plain(data)
    return _read_closely(data) if length is None else Head(data, length, False)


def read_plain(data: bytes) -> int | None:
    """Return the length of the body of a request as most are, whose head can go on as it came.

    None for a head to look at closely, and for what is not one whole head. Five times as fast as
    looking closely, which would cost 3 % of a short request.
    """
    match = _PLAIN_HEAD.fullmatch(data)
    if match is None or match[1] not in METHODS:
        return None
    lower = data.lower()
    if b"\ntransfer-encoding:" in lower or b"\nupgrade:" in lower:
        return None
    host = lower.find(b"\nhost:")
    if host != lower.rfind(b"\nhost:") or not _PLAIN_HOST.match(lower, host):
        return None
    length = lower.find(b"\ncontent-length:")
    if length < 0:
        return 0
    found = _PLAIN_LENGTH.match(lower, length)
    if found is None or length != lower.rfind(b"\ncontent-length:"):
        return None
    return int(found[1])


def describe(data: bytes) -> tuple[str, str]:
    """Return (method, target) of a head that is refused, for the log; "-" for what has none."""
    line = data.partition(b"\r\n")[0].partition(b"\n")[0].split(b" ")
    if len(line) < 2 or not re.fullmatch(_TOKEN, line[0]) or len(line[0]) > 20:
        return "-", "-"
    return line[0].decode("ascii"), line[1][:2000].decode("ascii", "replace")


def _read_closely(data: bytes) -> Head:
    fields = _take_apart(data)
    _judge_version(fields.version)
    judge_method(fields.method)
    length = _read_length(fields)
    fields = _settle_target(fields)
    fields, is_handshake = _settle_upgrade(fields, length)
    return Head(_put_together(fields), length, is_handshake)


def _take_apart(data: bytes) -> _Fields:
    line, *lines = data[:-4].split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise Refused(400, "its request line is not METHOD TARGET HTTP/1.1")
    pairs = []
    for header in lines:
        if header[:1] in (b" ", b"\t"):
            raise Refused(400, "a header is folded over lines")
        found = _HEADER.fullmatch(header)
        if found is None:
            raise Refused(400, "a header is not NAME: VALUE, without control characters")
        pairs.append((found[1], found[2].strip(b" \t")))
    return _Fields(match[1], match[2], match[3] + b"." + match[4], pairs)


def _judge_version(version: bytes) -> None:
    if version not in (b"1.0", b"1.1"):
        raise Refused(505, f"HTTP/{version.decode()} is not spoken here, only HTTP/1.1 and 1.0")


# -- where the body ends: RFC 9112, section 6 -----------------------------------------------------


def _read_length(fields: _Fields) -> int | None:
    """Return the length of the body, None if it is chunked. Raises Refused."""
    lengths, codings = fields.values(b"content-length"), fields.values(b"transfer-encoding")
    if codings:
        _judge_codings(fields, bool(lengths))
        return None
    if not lengths:
        return 0
    if len(lengths) > 1:
        raise Refused(400, "it has more than one Content-Length")
    if not (lengths[0].isascii() and lengths[0].isdigit()):
        raise Refused(400, "its Content-Length is not a number")
    digits = lengths[0].lstrip(b"0")
    if len(digits) > _LONGEST_LENGTH:
        raise Refused(413, f"its Content-Length has {len(digits)} digits")
    return int(digits or b"0")


def _judge_codings(fields: _Fields, has_length: bool) -> None:
    if has_length:
        raise Refused(400, "it has a Transfer-Encoding and a Content-Length")
    if fields.version == b"1.0":
        raise Refused(400, "HTTP/1.0 has no Transfer-Encoding")
    codings = fields.tokens(b"transfer-encoding")
    if codings == [b"chunked"]:
        return
    if codings[-1:] != [b"chunked"] or b"chunked" in codings[:-1]:
        raise Refused(400, "its Transfer-Encoding does not end with chunked, once")
    raise Refused(501, "its Transfer-Encoding has more than chunked in it")


# -- whom it is for: RFC 9112, section 3.2 --------------------------------------------------------


def _settle_target(fields: _Fields) -> _Fields:
    """Return the fields with a path as their target, and the Host that it is for."""
    hosts = fields.values(b"host")
    if len(hosts) > 1 or (not hosts and fields.version == b"1.1"):
        raise Refused(400, f"it has {len(hosts) or 'no'} Host headers, and needs one")
    if hosts and not _AUTHORITY.fullmatch(hosts[0]):
        raise Refused(400, "its Host is not a host and a port")
    if _ORIGIN_FORM.fullmatch(fields.target):
        return fields
    absolute = _ABSOLUTE_FORM.fullmatch(fields.target)
    if absolute is None:
        if fields.target == b"*" and fields.method == b"OPTIONS":
            raise Refused(501, "OPTIONS is answered for paths only")
        raise Refused(400, "its target is not a path")
    authority, path = absolute[1], absolute[2] or b"/"
    if not authority or not _AUTHORITY.fullmatch(authority):
        raise Refused(400, "its target's host is not a host and a port")
    pairs = [pair for pair in fields.pairs if pair[0].lower() != b"host"]
    path = path if path.startswith(b"/") else b"/" + path
    return fields._replace(target=path, pairs=[(b"Host", authority), *pairs])


# -- what it becomes: RFC 6455, section 4.2.1 -----------------------------------------------------


def _settle_upgrade(fields: _Fields, length: int | None) -> tuple[_Fields, bool]:
    """Return the fields, without an upgrade that nobody would make, and whether there is one."""
    if not fields.values(b"upgrade"):
        return fields, False
    is_wanted = (
        b"websocket" in fields.tokens(b"upgrade")
        and b"upgrade" in fields.tokens(b"connection")
        and fields.method == b"GET"
        and fields.version == b"1.1"
    )
    pairs = [pair for pair in fields.pairs if pair[0].lower() != b"upgrade"]
    if not is_wanted:
        return fields._replace(pairs=pairs), False
    _judge_handshake(fields, length)
    pairs = [pair for pair in pairs if pair[0].lower() != b"connection"]
    pairs += [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
    return fields._replace(pairs=pairs), True


def _judge_handshake(fields: _Fields, length: int | None) -> None:
    if length != 0:
        raise Refused(400, "a handshake has no body")
    if fields.values(b"sec-websocket-version") != [b"13"]:
        raise Refused(426, "its Sec-WebSocket-Version is not 13")
    keys = fields.values(b"sec-websocket-key")
    try:
        is_key = len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == 16
    except binascii.Error:
        is_key = False
    if not is_key:
        raise Refused(400, "its Sec-WebSocket-Key is not 16 bytes in Base64")


def _put_together(fields: _Fields) -> bytes:
    lines = [b"%s %s HTTP/%s\r\n" % (fields.method, fields.target, fields.version)]
    lines += [b"%s: %s\r\n" % pair for pair in fields.pairs]
    return b"".join(lines) + b"\r\n"
