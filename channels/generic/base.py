"""`BaseConsumer`: a class whose methods consume the channels that `method_mapping` names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async

from channels.auth import channel_session_user
from channels.consuming.decorators import Decorator, is_async_consumer, mark_consumer, marks_of
from channels.routing import route_class
from channels.sessions import channel_session

if TYPE_CHECKING:
    from channels.message import Message
    from channels.routing import RouteClass

AnyMethod = TypeVar("AnyMethod", bound=Callable[..., Any])


def runs_in_loop(method: AnyMethod) -> AnyMethod:
    """Mark a plain handler that does no I/O, and passes on to another method by `call_hook`.

    In an async class it is called in the event loop; other plain handlers are called in a thread.
    """
    method.runs_in_loop = True  # type: ignore[attr-defined]
    return method


class BaseConsumer:
    """A consumer in the form of a class, for `route_class(TheConsumer, path=r"^/chat/")`.

    Calling the class with a message makes an instance, which runs the method that the message's
    channel has in `method_mapping`. If one of its methods is an `async def`, the whole class is an
    async consumer: calling it returns a coroutine, and its plain methods run in a thread.
    """

    #: Channel name -> the name of the method that consumes it.
    method_mapping: Mapping[str, str] = {}
    #: Whether handlers get `message.channel_session`.
    channel_session: bool = False
    #: Whether handlers get `message.user` from the channel session; implies channel_session.
    channel_session_user: bool = False

    #: Whether the class is an async consumer; found out when the class is made.
    is_async: bool = False

    #: What is consumed, and the named groups of its route.
    message: Message
    kwargs: dict[str, Any]

    #: Methods beside those of method_mapping that make the class async if they are `async def`.
    _hooks: ClassVar[tuple[str, ...]] = ()
    #: (name of the method, decorators) -> the decorated handler.
    _handlers: ClassVar[dict[tuple[str, tuple[Decorator, ...]], Callable[..., Any]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._handlers = {}
        if cls.is_async or cls._has_async_part():
            cls.is_async = True
            markcoroutinefunction(cls)

    @classmethod
    def _has_async_part(cls) -> bool:
        names = {*cls.method_mapping.values(), *cls._hooks}
        return any(iscoroutinefunction(getattr(cls, name, None)) for name in names)

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        consumer = super().__new__(cls)
        return consumer._run(args, kwargs) if cls.is_async else consumer

    def __init__(self, message: Message, /, **kwargs: Any) -> None:
        self.message = message
        self.kwargs = kwargs
        self._outcome = self.dispatch(message, **kwargs)
        if self._outcome is not None and not self.is_async:
            self._refuse_awaitable()

    async def _run(self, args: Any, kwargs: Any) -> BaseConsumer:
        self.__init__(*args, **kwargs)  # type: ignore[misc]
        if inspect.isawaitable(self._outcome):
            await self._outcome
        return self

    def _refuse_awaitable(self) -> None:
        if not inspect.isawaitable(self._outcome):
            return
        if inspect.iscoroutine(self._outcome):
            self._outcome.close()
        raise TypeError(
            f"{type(self).__qualname__} has a handler that returned an awaitable, but is not an "
            "`async def`: nobody would await it; make it one, or set is_async = True on the class"
        )

    @classmethod
    def channel_names(cls) -> set[str]:
        """Return the set of channels this consumer takes messages from."""
        return set(cls.method_mapping)

    @classmethod
    def as_route(cls, attrs: dict[str, Any] | None = None, **kwargs: Any) -> RouteClass:
        """Return a route to this class, or to a subclass of it that has `attrs`.

        Args:
            attrs: dict of class attributes for this route only, such as {"strict_ordering": True}.
            kwargs: filters, as those of `route_class`.
        """
        if attrs is not None and not isinstance(attrs, dict):
            raise TypeError(
                f"{cls.__qualname__}.as_route: attrs must be a dict of class attributes, "
                f"got {type(attrs).__name__}"
            )
        if not attrs:
            return route_class(cls, **kwargs)
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        return route_class(type(cls.__name__, (cls,), {**names, **attrs}), **kwargs)

    def get_handler(self, message: Message, /, **kwargs: Any) -> Callable[..., Any]:
        """Return what takes (message, **kwargs), in the decorators that the class asks for."""
        try:
            method_name = self.method_mapping[message.channel.name]
        except KeyError:
            raise ValueError(
                f"{type(self).__qualname__} got a message on {message.channel.name!r}, and its "
                f"method_mapping has {', '.join(map(repr, self.method_mapping)) or 'nothing'}: "
                "add the channel there, or change the route"
            ) from None
        decorated = self._find_handler(method_name, self._decorators())

        def handler(message: Message, /, **kwargs: Any) -> Any:
            return decorated(message, self, **kwargs)

        return handler

    def _decorators(self) -> tuple[Decorator, ...]:
        """The decorators to wear, the innermost first."""
        if self.channel_session_user:
            return (channel_session_user,)
        if self.channel_session:
            return (channel_session,)
        return ()

    @classmethod
    def _find_handler(
        cls, method_name: str, decorators: tuple[Decorator, ...]
    ) -> Callable[..., Any]:
        """Decorating takes longer than many a consumer, so each class does it once."""
        handler = cls._handlers.get((method_name, decorators))
        if handler is None:
            handler = _make_entry(method_name, cls.is_async)
            mark_consumer(handler, *marks_of(getattr(cls, method_name, None)))
            for decorator in decorators:
                handler = decorator(handler)
            cls._handlers[method_name, decorators] = handler
        return handler

    def dispatch(self, message: Message, /, **kwargs: Any) -> Any:
        """Run the handler of the message; return what it returns (async: something to await)."""
        return self.get_handler(message, **kwargs)(message, **kwargs)

    def call_hook(self, hook: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method that may be plain or async, from a handler marked `runs_in_loop`.

        In an async class the result is something to await (if `hook` is not marked so itself).
        """
        return _for_loop(hook)(*args, **kwargs) if self.is_async else hook(*args, **kwargs)


def _for_loop(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return what to call in the event loop instead of `method`: a plain one goes to a thread."""
    if is_async_consumer(method) or hasattr(method, "runs_in_loop"):
        return method
    return sync_to_async(method)


def _make_entry(method_name: str, is_async: bool) -> Callable[..., Any]:
    """Return the function that decorators wrap: it finds the method on the instance it is given."""

    def enter(message: Message, consumer: BaseConsumer, /, **kwargs: Any) -> Any:
        return getattr(consumer, method_name)(message, **kwargs)

    async def enter_async(message: Message, consumer: BaseConsumer, /, **kwargs: Any) -> Any:
        result = _for_loop(getattr(consumer, method_name))(message, **kwargs)
        while inspect.isawaitable(result):
            result = await result
        return result

    entry: Callable[..., Any] = enter_async if is_async else enter
    entry.__name__ = method_name
    return entry
