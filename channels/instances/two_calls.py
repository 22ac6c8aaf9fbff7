"""A consumer class as the application that it was in Channels 2: called with its scope first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from channels.applications.shapes import Receive, Scope, Send

if TYPE_CHECKING:
    from channels.consumer import AsyncConsumer


def is_scope(value: object) -> bool:
    """Whether a value is the scope of a connection."""
    return isinstance(value, Mapping) and "type" in value


def call_in_its_place(application: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Call an application as a class was called that stands for it: with a scope alone, which gives
    what takes `(receive, send)`, or with all three."""
    return functools.partial(application, *args) if len(args) == 1 else application(*args)


class FirstCall:
    """What a consumer class that was called with a scope gives: call it with (receive, send).

    The instance is made here, before the connection's first event, as it was in Channels 2:
    `self.scope` is there in its `__init__`.
    """

    def __init__(
        self,
        consumer_class: type[AsyncConsumer],
        scope: Scope,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.scope = scope
        self.consumer: AsyncConsumer = consumer_class.__new__(consumer_class)
        self.consumer.scope = scope
        self.consumer.__init__(scope, *args, **kwargs)  # type: ignore[misc]

    async def __call__(self, receive: Receive, send: Send) -> Any:
        return await self.consumer(self.consumer.scope, receive, send)
