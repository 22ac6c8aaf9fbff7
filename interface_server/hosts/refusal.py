"""A request that no worker is to see, and its way to the application that answers it.

What refuses it stands in front of the host server, and could not answer by itself: responses to
earlier requests of the connection may be under way. So it hands the host server a request of its
own, to a path that no client can know, and the application answers that.
"""

import secrets
import urllib.parse
from typing import NamedTuple

from interface_server.asgi import Scope

#: Methods that go on to workers: those of RFC 9110, 5789 and 4918, and of their kin that clients
#: use, as far as every host server knows them.
METHODS = frozenset(
    b"GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK "
    b"SEARCH REPORT MKACTIVITY CHECKOUT MERGE SUBSCRIBE UNSUBSCRIBE NOTIFY PURGE "
    b"MKCALENDAR LINK UNLINK ACL BIND UNBIND REBIND SOURCE M-SEARCH".split()
)
#: Methods that are known and never allowed: a tunnel, and an echo of what may be secret.
NEVER_ALLOWED = frozenset([b"CONNECT", b"TRACE"])

_ALLOWED = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

#: Known to this process only, so that a client can't ask for it.
_PATH = f"/.refused-{secrets.token_hex(16)}"


class Refusal(NamedTuple):
    """Why a request is not passed on.

    Attributes:
        status: what its client gets.
        reason: what is wrong with it, as the end of "refused, because …".
        method, target: what it asked for, as far as that could be read.
    """

    status: int
    reason: str
    method: str = "-"
    target: str = "-"

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What its status has to come with."""
        if self.status == 405:
            return [(b"allow", _ALLOWED)]
        if self.status == 426:
            return [(b"upgrade", b"websocket"), (b"sec-websocket-version", b"13")]
        return []


class Refused(Exception):
    """Raised where a request is found out; `refusal` says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.refusal = Refusal(status, reason)


def judge_method(method: bytes) -> None:
    """Raise Refused for a method that no worker is to see. Methods are case-sensitive."""
    if method in METHODS:
        return
    if method in NEVER_ALLOWED:
        raise Refused(405, f"{method.decode()} is not allowed")
    raise Refused(501, f"the method {_shown(method)} is not known")


def wrap(refusal: Refusal) -> bytes:
    """Return the head that stands for a refused request: its body never ends."""
    parts = [str(refusal.status), refusal.reason, refusal.method, refusal.target]
    path = "/".join([_PATH, *(urllib.parse.quote(part, safe="") for part in parts)])
    method = "HEAD" if refusal.method == "HEAD" else "POST"
    return (
        f"{method} {path} HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode("ascii")


def unwrap(scope: Scope) -> Refusal | None:
    """Return the Refusal that a request of `wrap` stands for; None for all others."""
    if not scope["path"].startswith(_PATH):
        return None
    parts = scope["raw_path"][len(_PATH) + 1 :].decode("ascii").split("/")
    status, reason, method, target = map(urllib.parse.unquote, parts)
    return Refusal(int(status), reason, method, target)


def _shown(data: bytes) -> str:
    """Return bytes of a client's as a short text for a log line or an answer."""
    text = data[:40].decode("ascii", "replace")
    return repr(text + "…" if len(data) > 40 else text)
