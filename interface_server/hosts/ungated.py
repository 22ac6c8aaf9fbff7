"""What is refused of a request that another host server than ours has read: no Gate was before it.

Such a host decides about the bytes itself. What a scope still shows of them is judged here, by the
same rules.
"""

from interface_server.asgi import Scope
from interface_server.hosts.refusal import Refusal, Refused, judge_method


def judge_scope(scope: Scope) -> Refusal | None:
    """Return why a request is not passed on, or None."""
    try:
        judge_method(scope["method"].encode("ascii", "replace"))
        if scope.get("http_version", "1.1") in ("1.0", "1.1"):
            _judge_headers(scope)
    except Refused as error:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        return error.refusal._replace(
            method=scope["method"] if scope["method"].isalpha() else "-",
            target=raw_path.decode("ascii", "replace"),
        )
    return None


def _judge_headers(scope: Scope) -> None:
    hosts, codings = 0, []
    for name, value in scope["headers"]:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
    if hosts > 1 or (not hosts and scope.get("http_version", "1.1") == "1.1"):
        raise Refused(400, f"it has {hosts or 'no'} Host headers, and needs one")
    if codings and codings != [b"chunked"]:
        raise Refused(400, "its Transfer-Encoding is not chunked")
