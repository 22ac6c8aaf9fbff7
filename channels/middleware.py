"""`BaseMiddleware`, at its Channels 2 import path.

It has nothing to do with the MIDDLEWARE key of CHANNEL_LAYERS, which wraps consumers of 1.x.
"""

from __future__ import annotations

from typing import Any

from channels.applications.shapes import (
    AnyApplication,
    Receive,
    Scope,
    Send,
    call_once,
    callable_twice,
)

__all__ = ["BaseMiddleware"]


class BaseMiddleware:
    """An ASGI application that does something before another one, `inner`.

    One instance serves every connection: what belongs to one of them goes into its `scope`, of
    which the inner application gets a copy. A subclass overrides `__call__`, or, as in Channels 2,
    defines `populate_scope(scope)` and `async def resolve_scope(scope)`, which may change it.
    """

    def __init__(self, inner: AnyApplication) -> None:
        self.inner = call_once(inner)

    @callable_twice
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        scope = dict(scope)
        self.populate_scope(scope)
        await self.resolve_scope(scope)
        return await self.inner(scope, receive, send)

    def populate_scope(self, scope: Scope) -> None:
        """Put into the scope what needs no waiting, such as something lazy."""

    async def resolve_scope(self, scope: Scope) -> None:
        """Put into the scope what has to be waited for."""
