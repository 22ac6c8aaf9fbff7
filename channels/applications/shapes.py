"""The shapes of ASGI, and how an application is called, whichever generation it was written for.

Since Channels 3 an application is called once, as `application(scope, receive, send)`. In Channels
2 it was called twice: `application(scope)` returned what was then called with `(receive, send)`.
Ours take both; of others, `call_once` finds out which one they want.

Source: https://asgi.readthedocs.io/en/latest/specs/main.html, "Applications" and "Legacy
Applications".
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias, TypeVar

from asgiref.sync import markcoroutinefunction

#: What is known of a connection: `type`, `path`, `headers`, and what middleware adds.
Scope: TypeAlias = MutableMapping[str, Any]
#: What happens on a connection: a dict with a `type`.
Event: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[Any]]
#: What is left of an application that was called with its scope alone.
SecondCall: TypeAlias = Callable[[Receive, Send], Awaitable[Any]]

_Self = TypeVar("_Self", contravariant=True)


class _Method(Protocol[_Self]):
    async def __call__(
        self, owner: _Self, /, scope: Scope, receive: Receive, send: Send
    ) -> Any: ...


def callable_twice(method: _Method[_Self]) -> Callable[..., Any]:
    """Decorate an application's `async def __call__` so that it may be called in two steps, too.

    Host servers ask whether `__call__` is a coroutine function, so it still says that it is one.
    """

    @functools.wraps(method)
    def call(self: _Self, scope: Scope, *rest: Any) -> Any:
        if not rest:
            return functools.partial(method, self, scope)
        return method(self, scope, *rest)

    marked: Callable[..., Any] = markcoroutinefunction(call)
    return marked


def call_once(application: Any) -> Application:
    """Return `application` itself, or, if it has to be called twice, what calls it so."""
    if not wants_two_calls(application):
        result: Application = application
        return result

    @functools.wraps(application, updated=())
    async def call(scope: Scope, receive: Receive, send: Send) -> Any:
        return await application(scope)(receive, send)

    return call


def wants_two_calls(application: Any) -> bool:
    """Whether an application takes its scope alone, and not `receive` and `send` with it.

    Consumer classes do, as do the middleware and the functions of Channels 2. What has no
    signature that can be read is taken for an application of today.
    """
    try:
        signature = inspect.signature(application)
    except (TypeError, ValueError):
        return False
    return not _takes(signature, 3) and _takes(signature, 1)


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
