"""The headers of an HTTP or WebSocket message: `[name, value]` pairs of bytes, names in lower case.

The dict of text names that messages had before Channels 1.0 is read too: old tests still make it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


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
