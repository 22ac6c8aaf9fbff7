"""The bases of class consumers, at their Channels 2 import path.

An instance serves one connection from its beginning to its end. Each event on it, and each message
on the instance's own channel, goes to the method that its `type` names; one after another.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from asgiref.sync import async_to_sync

from channels.applications.shapes import Event, Receive, RoutedApplication, Scope, Send
from channels.db import DatabaseSyncToAsync, aclose_old_connections
from channels.exceptions import StopConsumer
from channels.instances.classic import as_event
from channels.instances.connections import are_in_use
from channels.instances.events import Dispatch, dispatch_all, in_own_context
from channels.instances.following import follow_logout
from channels.instances.handlers import find_handler, get_handler_name
from channels.instances.hosting import InstanceHost, find_host
from channels.instances.two_calls import FirstCall, is_scope
from channels.layers import DEFAULT_CHANNEL_LAYER, get_channel_layer
from channels.metrics import hooks
from channels.tracing import hooks as tracing

__all__ = [
    "DEFAULT_CHANNEL_LAYER",
    "AsyncConsumer",
    "SyncConsumer",
    "get_channel_layer",
    "get_handler_name",
]


class AsyncConsumer:
    """Base of consumers whose handlers are coroutines.

    Attributes:
        scope: what is known of the connection (a dict).
        channel_layer: the layer `channel_layer_alias` of CHANNEL_LAYERS, with awaited verbs; None
            if there is none.
        channel_name: the channel of this instance; not set without a layer.
        base_send: sends an event to the connection; `send` does.

    Put `MyConsumer.as_asgi()` into a route; the class itself will do, as in Channels 2.
    """

    _sync: ClassVar[bool] = False
    channel_layer_alias: str = DEFAULT_CHANNEL_LAYER

    scope: Scope
    channel_layer: Any
    channel_name: str
    base_send: Any
    _host: InstanceHost | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """An instance; or, called with a scope as an application of Channels 2 is, what takes
        `(receive, send)`; or, called with all three, what is awaited."""
        if not args or not is_scope(scope := args[0]):
            return super().__new__(cls)
        if len(args) >= 3:
            return FirstCall(cls, scope, args[3:], kwargs)(args[1], args[2])
        return FirstCall(cls, scope, args[1:], kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes the scope that an application of Channels 2 was made with, and leaves it alone."""
        super().__init__(*(args[1:] if args and is_scope(args[0]) else args), **kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.base_send = async_to_sync(send) if self._sync else send
        self.channel_layer = get_channel_layer(self.channel_layer_alias)
        sources = [receive]
        self._host = find_host(scope)
        if self._host is not None:
            self.channel_name = self._host.channel_name
            await self._host.attach(self)
        elif self.channel_layer is not None:
            self.channel_name = await self.channel_layer.new_channel()
            sources.append(self._receive_message)
        try:
            with contextlib.suppress(StopConsumer):
                await dispatch_all(sources, self._find_dispatch(send))
        finally:
            if self._receive_message in sources:
                await self._leave()

    def _find_dispatch(self, send: Send) -> Dispatch:
        """What handles the events of this connection."""
        if self.scope.get("type") == "channel":  # its messages are for one person after the other
            return in_own_context(self.dispatch)
        return follow_logout(self, send, self.dispatch)

    async def _leave(self) -> None:
        """Leave the groups that the instance is still in: nobody hears what is sent there."""
        forget = getattr(self.channel_layer, "forget_channel", None)  # layers of others have none
        if forget is not None:
            await forget(self.channel_name)

    async def _receive_message(self) -> Event:
        """The next message on the instance's own channel."""
        return as_event(await self.channel_layer.receive(self.channel_name))

    async def dispatch(self, message: Event) -> None:
        """Run the handler of an event. Raises ValueError if there is none."""
        handler = find_handler(self, message)
        if are_in_use():
            await aclose_old_connections()
        with _observe(self, message):
            await handler(message)

    async def send(self, message: Event) -> None:
        """Send an event to the connection."""
        await self.base_send(message)

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> RoutedApplication:
        """Return an ASGI application that makes an instance for each connection.

        `initkwargs` are passed to the class.
        """

        async def app(scope: Scope, receive: Receive, send: Send) -> Any:
            return await cls(**initkwargs)(scope, receive, send)

        functools.update_wrapper(app, cls, updated=())
        app.consumer_class = cls  # type: ignore[attr-defined]
        app.consumer_initkwargs = initkwargs  # type: ignore[attr-defined]
        return app


class SyncConsumer(AsyncConsumer):
    """Base of consumers whose handlers are plain functions: they run in a thread."""

    _sync: ClassVar[bool] = True

    async def dispatch(self, message: Event) -> None:
        executor = self._host.executor if self._host is not None else None
        with _observe(self, message):
            if executor is None:
                await _handle_in_turn(self, message)
            else:
                handle = DatabaseSyncToAsync(_handle, thread_sensitive=False, executor=executor)
                await handle(self, message)

    def send(self, message: Event) -> None:  # type: ignore[override]
        """Send an event to the connection."""
        self.base_send(message)


def _observe(consumer: AsyncConsumer, message: Event) -> contextlib.AbstractContextManager[Any]:
    """What counts and traces the run of a handler; costs nothing while nobody does."""
    if not (tracing.tracer.is_on or hooks.meter.is_on):
        return tracing.NO_SPAN
    return _observed(consumer, message)


@contextlib.contextmanager
def _observed(consumer: AsyncConsumer, message: Event) -> Iterator[None]:
    kind, started = type(consumer), time.perf_counter()
    name = f"{kind.__module__}.{kind.__qualname__}"
    ending = None
    try:
        with tracing.tracer.process(message["type"], name, message):
            try:
                yield
            except StopConsumer as stop:  # the end of a connection is no failure of its span
                ending = stop
    finally:
        hooks.meter.handled(message["type"], kind, time.perf_counter() - started)
    if ending is not None:
        raise ending


def _handle(consumer: SyncConsumer, message: Event) -> None:
    find_handler(consumer, message)(message)


_handle_in_turn = DatabaseSyncToAsync(_handle)
