"""A handshake's message as the scope of an ASGI application. No I/O here."""

from __future__ import annotations

import urllib.parse
from typing import Any

from channels.messages import Content

#: The ASGI version of WebSocket scopes whose closings may have a reason.
SPEC_VERSION = "2.3"


def make_socket_scope(message: Content) -> dict[str, Any]:
    """Return the scope of the socket that a `websocket.connect` message tells of."""
    headers = [(bytes(name), bytes(value)) for name, value in message["headers"]]
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": SPEC_VERSION},
        "http_version": "1.1",
        "scheme": message.get("scheme") or "ws",
        **_place(message),
        "headers": headers,
        "subprotocols": _read_subprotocols(headers),
        "state": {},
        "extensions": {},
    }


def make_request_scope(message: Content) -> dict[str, Any]:
    """Return the scope of the request that an `http.request` message tells of."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": SPEC_VERSION},
        "http_version": message.get("http_version") or "1.1",
        "method": message["method"],
        "scheme": message.get("scheme") or "http",
        **_place(message),
        "headers": [(bytes(name), bytes(value)) for name, value in message["headers"]],
        "state": {},
        "extensions": {},
    }


def _place(message: Content) -> dict[str, Any]:
    query = message.get("query_string") or b""
    return {
        "path": message["path"],
        "raw_path": urllib.parse.quote(message["path"]).encode("ascii"),
        "query_string": query if isinstance(query, bytes) else str(query).encode("latin1"),
        "root_path": message.get("root_path") or "",
        "client": message.get("client"),
        "server": message.get("server"),
    }


def _read_subprotocols(headers: list[tuple[bytes, bytes]]) -> list[str]:
    offers: list[str] = []
    for name, value in headers:
        if name == b"sec-websocket-protocol":
            offers += (offer.strip() for offer in value.decode("latin1").split(","))
    return [offer for offer in offers if offer]
