"""What a proxy says of a request: who its client is, how it came, and where the site is mounted.

That is X-Forwarded-For, -Port and -Proto; and X-Forwarded-Prefix, or Daphne 1.x's Daphne-Root-Path.
"""

import functools
import ipaddress
import logging
import re
import urllib.parse
from collections.abc import Iterable
from typing import Any

from interface_server.asgi import Headers, Scope

logger = logging.getLogger("interface_server")

#: An end of a connection as hosts have it: None, or host and port.
Peer = list[Any] | tuple[Any, ...] | None

#: Daphne 1.x's name for where the site is mounted; its value is percent-encoded.
ROOT_PATH = b"daphne-root-path"
_PATH = re.compile(rb"/[!-~]*")

#: X-Forwarded-Proto says how the proxy was reached; a WebSocket has its own words for it.
_SCHEMES = {
    "http": {b"http": "http", b"https": "https", b"ws": "http", b"wss": "https"},
    "websocket": {b"http": "ws", b"https": "wss", b"ws": "ws", b"wss": "wss"},
}


class ProxyHeaders:
    """Reads the headers of proxies that are trusted, and only theirs.

    Args:
        trusted: addresses or networks as str, or "*" for every peer. A peer without an address
            (a Unix socket) is trusted always: the file's permissions say who may connect.

    Raises ValueError for what is neither.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        trusted = tuple(trusted)
        self._trusts_all = "*" in trusted
        self._networks = [ipaddress.ip_network(entry) for entry in trusted if entry != "*"]
        self._is_trusted = functools.lru_cache(maxsize=4096)(self._find)
        self._has_warned = False

    def resolve(self, scope: Scope) -> tuple[Peer, str | None]:
        """Return (client, scheme) of an ASGI scope: client is [host, port] or None."""
        client, scheme = scope.get("client"), scope.get("scheme")
        forwarded = _collect(scope["headers"])
        if not forwarded or not self._trusts_peer(client):
            return client, scheme
        address = self._find_client(forwarded.get(b"x-forwarded-for", b""))
        if address is not None:
            client = [address, _port(forwarded.get(b"x-forwarded-port", b""))]
        proto = forwarded.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip().lower()
        return client, _SCHEMES[scope["type"]].get(proto, scheme)

    def find_root_path(self, scope: Scope) -> str | None:
        """Return where a trusted proxy says that the site is mounted, or None."""
        forwarded = _collect(scope["headers"])
        value = forwarded.get(ROOT_PATH) or forwarded.get(b"x-forwarded-prefix")
        if value is None or not self._trusts_peer(scope.get("client")):
            return None
        path = value.rpartition(b",")[2].strip()
        return urllib.parse.unquote(path.decode("ascii")) if _PATH.fullmatch(path) else None

    def _trusts_peer(self, client: Peer) -> bool:
        if not client or not client[0] or self._is_trusted(client[0]):
            return True
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "ignoring X-Forwarded headers from %s, which is not a trusted proxy; "
                "if it is yours, start with --trusted-proxy %s",
                client[0],
                client[0],
            )
        return False

    def _find(self, host: str) -> bool:
        if self._trusts_all:
            return True
        address = _parse(host)
        return address is not None and any(address in network for network in self._networks)

    def _find_client(self, value: bytes) -> str | None:
        """Return the last address that no trusted proxy vouches away, or None if there is none."""
        found: str | None = None
        for entry in reversed(value.split(b",")):
            address = _parse(entry.decode("latin-1").strip())
            if address is None:
                break
            found = str(address)
            if not self._is_trusted(found):
                break
        return found


def _collect(headers: Headers) -> dict[bytes, bytes]:
    """Return the headers of proxies by name; those that are there twice are joined."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name.startswith(b"x-forwarded-") or name == ROOT_PATH:
            found[name] = found[name] + b"," + value if name in found else value
    return found


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address in `text`, which may have brackets and a port, or None."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _port(value: bytes) -> int:
    value = value.rpartition(b",")[2].strip()
    if value.isdigit() and len(value) <= 5 and int(value) <= 65_535:
        return int(value)
    return 0
