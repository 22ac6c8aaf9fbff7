"""Answers to requests that no worker is to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interface_server.access_log import quoted_path
from interface_server.asgi import Receive, Scope, Send
from interface_server.hosts.refusal import Refusal, Refused
from interface_server.http_response import Response

if TYPE_CHECKING:
    from interface_server.process import ServerProcess


async def refuse(
    process: ServerProcess, refusal: Refusal, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer a request with its Refusal, and log what was wrong with it."""
    path, _, query = refusal.target.encode("ascii", "replace").partition(b"?")
    scope = {**scope, "method": refusal.method, "raw_path": path, "query_string": query}
    request = f"{refusal.method[:20]} {quoted_path(scope)}"
    error = Refused(refusal.status, f"{request[:200]} is not passed on: {refusal.reason}")
    process.refusals.note(f"refused {refusal.status}", error, str(refusal.status))
    response = Response(scope, send, process.options)
    await response.refuse(
        refusal.status, receive, reason=refusal.reason, more_headers=refusal.headers
    )
