"""`name_that_thing` and `await_many_dispatch`, at the import path that they have always had."""

from __future__ import annotations

import functools
import types
from collections.abc import Awaitable, Callable, Iterable
from typing import Any


def name_that_thing(thing: Any) -> str:
    """Return the dotted path of a function, method or class, or of an object's class: for logs."""
    if isinstance(thing, functools.partial):
        return name_that_thing(thing.func)
    owner = getattr(thing, "__self__", None)
    if owner is not None and hasattr(thing, "__name__") and not isinstance(owner, types.ModuleType):
        kind = owner if isinstance(owner, type) else type(owner)
        return f"{kind.__module__}.{kind.__qualname__}.{thing.__name__}"
    if hasattr(thing, "__qualname__") and hasattr(thing, "__module__"):
        return f"{thing.__module__}.{thing.__qualname__}"
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


async def await_many_dispatch(
    consumer_callables: Iterable[Callable[[], Awaitable[Any]]],
    dispatch: Callable[[Any], Awaitable[None]],
) -> None:
    """Give what each callable returns, when it is awaited, to `dispatch`, over and over.

    `dispatch` handles one result at a time. Ends when a callable or `dispatch` raises.
    """
    from channels.instances.events import dispatch_all

    await dispatch_all(consumer_callables, dispatch)
