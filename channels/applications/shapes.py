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
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeAlias, TypeVar

from django.core.exceptions import ImproperlyConfigured

#: What is known of a connection: `type`, `path`, `headers`, and what middleware adds.
Scope: TypeAlias = MutableMapping[str, Any]
#: What happens on a connection: a dict with a `type`.
Event: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[Any]]
#: One of whichever generation, which has to be called as `call_once` finds out.
AnyApplication: TypeAlias = Callable[..., Any]
#: One that Django's `path()` takes as it takes an async view.
RoutedApplication: TypeAlias = Callable[[Scope, Receive, Send], Coroutine[Any, Any, Any]]
#: What is left of an application that was called with its scope alone.
SecondCall: TypeAlias = Callable[[Receive, Send], Awaitable[Any]]

Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])


def callable_twice(method: Method) -> Method:
    """Decorate an application's `async def __call__` so that it may be called in two steps, too:
    with the scope, and then with `(receive, send)`."""
    twice: Any = _CallableTwice(method)
    changed: Method = twice
    return changed


class _CallableTwice:
    """The `__call__` of a class of applications; type checkers see the method that it has."""

    def __init__(self, method: Callable[..., Awaitable[Any]]) -> None:
        self._method = method

    def __get__(self, application: object, owner: type | None = None) -> Any:
        return self._method if application is None else _Call(self._method, application)


class _Call(functools.partial[Awaitable[Any]]):
    """The `__call__` of one application.

    Host servers ask whether that is a coroutine function, in different ways: what they all look
    through is a partial of one.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            return functools.partial(self, *args)
        return super().__call__(*args, **kwargs)


def call_once(application: AnyApplication) -> Application:
    """Return `application` itself, or, if it has to be called twice, what calls it so.

    Raises ImproperlyConfigured for a class consumer of 1.x, which is no application.
    """
    if isinstance(application, type) and hasattr(application, "method_mapping"):
        name = application.__qualname__
        raise ImproperlyConfigured(
            f"{application.__module__}.{name} is a class consumer of Channels 1.x, and no ASGI "
            f"application: put route_class({name}, path=...) into ROUTING of CHANNEL_LAYERS, or "
            "make it a subclass of a class in channels.generic.websocket (without an s)"
        )
    if not wants_two_calls(application):
        result: Application = application
        return result

    @functools.wraps(application, updated=())
    async def call(scope: Scope, receive: Receive, send: Send) -> Any:
        return await application(scope)(receive, send)

    return call


def wants_two_calls(application: AnyApplication) -> bool:
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
