"""The head of a handshake or request, as consumers read it: its headers and its query string.

Headers are `[name, value]` pairs of bytes, names in lower case. The dict of text names that
messages had before Channels 1.0 is read too: old tests still make it.

The query string was bytes and text at once under Python 2, and bytes under Python 3. So there are
consumers that look for "username" in what `urllib.parse.parse_qs` makes of it, some for
b"username", whose value they decode, and some that decode it first. All of them are right here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote


def list_headers(content: Mapping[str, Any]) -> Iterable[tuple[bytes, bytes]]:
    """Return the headers of a message's content as a list of (name, value) in bytes."""
    headers: Any = content.get("headers") or ()
    if isinstance(headers, dict):
        return [(_to_bytes(name).lower(), _to_bytes(value)) for name, value in headers.items()]
    pairs: Iterable[tuple[bytes, bytes]] = headers
    return pairs


def get_header(content: Mapping[str, Any], name: bytes) -> bytes | None:
    """Return the value (bytes) of the first header called `name` (lower-case bytes), or None."""
    return next((value for key, value in list_headers(content) if key == name), None)


def get_cookie_text(content: Mapping[str, Any]) -> str:
    """Return the Cookie header as str; HTTP/2 may send it in parts, which belong together."""
    parts = [value for key, value in list_headers(content) if key == b"cookie"]
    return b"; ".join(parts).decode("latin1")


def _to_bytes(text: str | bytes) -> bytes:
    return text.encode("latin1") if isinstance(text, str) else text


#: The methods of str that take bytes as well, and whose text is a QueryString again.
_METHODS = (
    "__contains__",
    "__getitem__",
    "count",
    "endswith",
    "find",
    "index",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "rfind",
    "rindex",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "startswith",
    "strip",
    "upper",
)


class QueryString(str):
    """Text that is equal to its bytes, in UTF-8, and has the methods of both.

    They take bytes where they take text, and the text that they give is a QueryString again; with
    it what `parse_qs` and `parse_qsl` do. Only a value in which a percent sign is left comes from
    those as plain text.
    """

    __slots__ = ()

    @classmethod
    def from_message(cls, value: Any) -> Any:
        """Return the QueryString for `value`, str or bytes; anything else as it is."""
        value = _as_text(value)
        return cls(value) if isinstance(value, str) else value

    def to_bytes(self) -> bytes:
        """Return the bytes that came from the network."""
        return self.encode("utf-8", "surrogateescape")

    __bytes__ = to_bytes

    # The hash of ASCII text and that of the same bytes are one in CPython, so that dicts find it.
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes):
            return self.to_bytes() == other
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __add__(self, other: Any) -> QueryString:
        if not isinstance(other, (str, bytes)):
            return NotImplemented
        return QueryString(str.__add__(self, _as_text(other)))

    def __radd__(self, other: Any) -> QueryString:
        if not isinstance(other, (str, bytes)):
            return NotImplemented
        return QueryString(_as_text(other)) + self

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return it as str, as bytes would; the encoding is UTF-8 in any case."""
        return str(self)

    def replace(self, old: Any, new: Any, count: Any = -1) -> QueryString:
        replaced = super().replace(_as_text(old), _as_text(new), count)
        if isinstance(old, str) and (old, new) == ("+", " "):
            # So `urllib.parse` begins to unquote a name or value; it leaves what it finds done.
            unquoted = unquote(replaced)
            replaced = replaced if "%" in unquoted else unquoted
        return QueryString(replaced)


def _as_text(value: Any) -> Any:
    """Bytes as str, decoded as those from the network; so are bytes in a tuple."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return tuple(map(_as_text, value)) if isinstance(value, tuple) else value


def _take_bytes(name: str) -> Callable[..., Any]:
    method = getattr(str, name)

    @functools.wraps(method)
    def inner(self: QueryString, *args: Any, **kwargs: Any) -> Any:
        kwargs = {key: _as_text(value) for key, value in kwargs.items()}
        result = method(self, *map(_as_text, args), **kwargs)
        if isinstance(result, (list, tuple)):
            return type(result)(map(QueryString, result))
        return QueryString(result) if isinstance(result, str) else result

    return inner


for _name in _METHODS:
    setattr(QueryString, _name, _take_bytes(_name))
