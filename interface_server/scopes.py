"""ASGI scopes: which are passed on, and as what messages. No I/O here."""

from collections.abc import Sequence
from typing import Any

from channels.messages import Content
from interface_server.asgi import Headers, Scope
from interface_server.hosts.refusal import Refusal, Refused, judge_method
from interface_server.options import Options
from interface_server.proxy import ROOT_PATH, ProxyHeaders

#: The schemes of hosts that name none, as Daphne does for a WebSocket.
_DEFAULT_SCHEMES = {"http": "http", "websocket": "ws"}


class ScopeHead:
    """What a server decides by before it passes a request on.

    Attributes:
        headers: the headers to pass on, as [name, value] pairs.
        size: bytes in all names and values.
        length: what Content-Length says, or None.
        has_body: whether a body may follow.
    """

    __slots__ = ("has_body", "headers", "length", "size")

    def __init__(self, scope: Scope) -> None:
        # HTTP/2 and 3 frame bodies without saying so in a header.
        self.has_body = not scope.get("http_version", "1.1").startswith("1")
        self.headers: Headers = scope["headers"]
        self.length: int | None = None
        self.size = 0
        self._read()

    def _read(self) -> None:
        size = 0
        is_clean = type(self.headers) is list
        for name, value in self.headers:
            size += len(name) + len(value)
            if name == b"content-length":
                self._read_length(value)
            elif name == b"transfer-encoding":
                self.has_body = True
            elif b"_" in name or name == ROOT_PATH:
                is_clean = False
        self.size = size
        if not is_clean:
            # X_Real_Ip and X-Real-Ip are one key in WSGI's and Django's META: a client could
            # speak for a proxy (CVE-2015-0219). Where the site is mounted is no business of theirs.
            pairs = self.headers
            self.headers = [p for p in pairs if b"_" not in p[0] and p[0] != ROOT_PATH]

    def _read_length(self, value: bytes) -> None:
        if value.isdigit() and len(value) <= 18:
            self.length = int(value)
            self.has_body = self.has_body or self.length > 0
        else:
            self.has_body = True


def judge_scope(scope: Scope) -> Refusal | None:
    """Return why a request is not passed on that another host server than ours has read, or None.

    No Gate was before it, so that host has decided about the bytes; what a scope still shows of
    them is judged by the same rules.
    """
    try:
        judge_method(scope["method"].encode("ascii", "replace"))
        if scope.get("http_version", "1.1").startswith("1"):
            _judge_headers(scope)
    except Refused as error:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        return error.refusal._replace(
            method=scope["method"] if scope["method"].isalpha() else "-",
            target=raw_path.decode("ascii", "replace"),
        )
    return None


def _judge_headers(scope: Scope) -> None:
    hosts, codings = [], []
    for name, value in scope["headers"]:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
    if hosts == [b""]:  # Granian's word for a request without one
        hosts = []
    if len(hosts) > 1 or (not hosts and scope.get("http_version", "1.1") == "1.1"):
        raise Refused(400, f"it has {len(hosts) or 'no'} Host headers, and needs one")
    if codings and codings != [b"chunked"]:
        raise Refused(400, "its Transfer-Encoding is not chunked")


def mount(scope: Scope, options: Options, proxy: ProxyHeaders | None) -> Scope:
    """Return the scope with its `root_path`, and with a `path` that begins with that.

    A trusted proxy's word comes first, then the host server's, then the Options'. A proxy may have
    stripped the prefix or not: consumers see the same.
    """
    said = proxy.find_root_path(scope) if proxy is not None else None
    root = (said or scope.get("root_path") or options.root_path).strip("/")
    if not root:
        return scope
    path = scope["path"]
    root = f"/{root}"
    if path != root and not path.startswith(f"{root}/"):
        path = root + path
    return {**scope, "root_path": root, "path": path}


def connection_keys(
    scope: Scope,
    head: ScopeHead,
    reply_channel: str,
    proxy: ProxyHeaders | None,
) -> Content:
    """Return the keys that `http.request` and `websocket.connect` share."""
    client, scheme = scope.get("client"), scope.get("scheme")
    if proxy is not None:
        client, scheme = proxy.resolve(scope)
    return {
        "reply_channel": reply_channel,
        "scheme": scheme or _DEFAULT_SCHEMES[scope["type"]],
        "path": scope["path"],
        "query_string": scope.get("query_string", b""),
        "root_path": scope.get("root_path", ""),
        "headers": head.headers,
        "client": _address(client),
        "server": _address(scope.get("server")),
    }


def _address(pair: Sequence[Any] | None) -> list[Any] | None:
    """Return [host, port] for what a host server says of an end of a connection."""
    if not pair:
        return None
    host, port = pair
    if port is None:  # a Unix socket: some hosts give its path, which says nothing of the server
        return None
    # Granian gives ports as text.
    return [host, int(port) if type(port) is str and port.isdecimal() else port]
