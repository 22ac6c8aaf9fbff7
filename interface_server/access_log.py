"""The access log, in the format of Daphne 1.x: NCSA lines, with words of its own for sockets."""

import datetime
import logging
import urllib.parse
from collections.abc import Callable

from interface_server.asgi import Scope
from interface_server.proxy import Peer, ProxyHeaders


class AccessLog:
    """Writes one line for each response, and for each step in the life of a socket.

    Args:
        logger: where to; each line is at level INFO, and has what it is made of as attributes:
            client, request, path, status, length.
        proxy: the ProxyHeaders that say who the client is, or None.
        now: returns the time as a datetime; for tests.
    """

    def __init__(
        self,
        logger: logging.Logger,
        proxy: ProxyHeaders | None = None,
        now: Callable[[], datetime.datetime] = datetime.datetime.now,
    ) -> None:
        self._logger = logger
        self._proxy = proxy
        self._now = now

    def write_request(self, scope: Scope, status: int | None, length: int) -> None:
        """Write the line of a finished response of `length` bytes."""
        self._write(scope, scope["method"], quoted_target(scope), status, length)

    def write_socket(self, scope: Scope, action: str) -> None:
        """Write the line of a socket; WSCONNECTING, WSCONNECT, WSREJECT or WSDISCONNECT."""
        self._write(scope, action, quoted_path(scope), None, None)

    def _write(
        self, scope: Scope, request: str, target: str, status: int | None, length: int | None
    ) -> None:
        client = self._proxy.resolve(scope)[0] if self._proxy else scope.get("client")
        host = _named(client)
        time = self._now().strftime("%d/%b/%Y:%H:%M:%S")
        self._logger.info(
            '%s - - [%s] "%s %s" %s %s',
            *(host, time, request, target, status or "-", length or "-"),
            extra={
                "client": host,
                "request": request,
                "path": target,
                "status": status,
                "length": length,
            },
        )


def _named(client: Peer) -> str:
    """Return a client as Daphne 1.x named it; without a port if the proxy did not say it."""
    if not client or not client[0]:
        return "-"
    return f"{client[0]}:{client[1]}" if client[1] else str(client[0])


#: What may stand in a logged path as it is: everything but controls, spaces, quotes and non-ASCII.
_SAFE = "/%:@!$&'()*+,;=~-._?#[]{}|^`<>"


def quoted_target(scope: Scope) -> str:
    """Return the path and the query string of a scope, fit for a log line."""
    query = scope.get("query_string")
    return quoted_path(scope) + (f"?{urllib.parse.quote(query, safe=_SAFE)}" if query else "")


def quoted_path(scope: Scope) -> str:
    """Return the path of a scope, fit for a log line."""
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    return urllib.parse.quote(path.partition(b"?")[0], safe=_SAFE)
