"""How a decorator of consumers is made: written once, it works on plain and `async def` consumers,
on methods and on callable objects.

A decorator is a generator function, its "steps", that runs around the consumer:

    def steps(call, inner=run_consumer):
        ...                         # before
        yield from inner(call)      # the consumer runs here, and here its exceptions come up
        ...                         # after
        yield session.save          # what may block: called here, or in a thread if `call.is_async`

Steps that end without having gone into `inner` leave the consumer out.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async

from channels.message import Message
from channels.utils import name_that_thing

P = ParamSpec("P")
R = TypeVar("R")

#: A decorator of consumers.
Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

#: What runs around a consumer: it yields what is to be called, and is sent what that returned.
Steps: TypeAlias = Generator[Any, Any, None]
#: What makes them for one call.
StepsFunction: TypeAlias = Callable[["Call"], Steps]


class NestedSteps(Protocol):
    """A generator function of steps around other ones."""

    def __call__(self, call: Call, /, inner: StepsFunction) -> Steps: ...


_RUN: Callable[[], Any] = object  # a mark: it is never called


class Call:
    """One call of a decorated consumer.

    Attributes:
        message: the Message.
        consumer: what is decorated.
        decorator: the name of the decorator.
        is_async: whether the consumer is `async def`.
    """

    __slots__ = ("consumer", "decorator", "is_async", "message")

    def __init__(
        self,
        args: Sequence[Any],
        consumer: Callable[..., Any],
        decorator: str,
        is_async: bool,
    ) -> None:
        self.message = find_message(args, decorator, consumer)
        self.consumer = consumer
        self.decorator = decorator
        self.is_async = is_async

    def __str__(self) -> str:
        where = self.message.channel.name
        return f"{self.decorator} around {name_that_thing(self.consumer)}, on {where!r},"

    def require_reply_channel(self) -> None:
        """Raise ValueError if the message has no reply channel, which is what names the client."""
        if not self.message.reply_channel:
            raise ValueError(
                f"{self} needs a message with a reply_channel, and this one has none: use it on "
                "http.* and websocket.* consumers only, or put the client's reply_channel into the "
                "message where you send it"
            )


def wrap_consumer(consumer: Callable[P, R], steps: StepsFunction, *marks: str) -> Callable[P, R]:
    """Return `consumer` with `steps` around it.

    Args:
        consumer: a function, method or callable object, plain or `async def`, that takes a message
            as its first or second positional argument.
        steps: a generator function as described above.
        marks: the name of the decorator, and of those that it implies. With those of decorators
            further in, they are kept in `consumer_marks`, a frozenset, for the system checks.
    """
    wrap = _wrap_async if is_async_consumer(consumer) else _wrap
    return mark_consumer(wrap(consumer, steps, marks[0]), *marks_of(consumer).union(marks))


def _wrap(consumer: Callable[..., Any], steps: StepsFunction, decorator: str) -> Any:
    @functools.wraps(consumer)
    def inner(*args: Any, **kwargs: Any) -> Any:
        call = Call(args, consumer, decorator, False)
        return _walk(steps(call), functools.partial(consumer, *args, **kwargs))

    return inner


def _wrap_async(consumer: Callable[..., Any], steps: StepsFunction, decorator: str) -> Any:
    @functools.wraps(consumer)
    async def inner(*args: Any, **kwargs: Any) -> Any:
        call = Call(args, consumer, decorator, True)
        return await _walk_async(steps(call), functools.partial(consumer, *args, **kwargs))

    return inner


def mark_consumer(consumer: Callable[P, R], *marks: str) -> Callable[P, R]:
    """Note the names of decorators on `consumer`, for the system checks; return it."""
    consumer.consumer_marks = frozenset(marks)  # type: ignore[attr-defined]
    return consumer


def run_consumer(call: Call) -> Steps:
    """The innermost steps: the consumer itself."""
    yield _RUN


def nest(outer: Callable[..., Steps], *inner: Callable[..., Steps]) -> StepsFunction:
    """Return the steps of `outer` around those of the next, and so on."""
    return functools.partial(outer, inner=nest(*inner)) if inner else outer


def marks_of(consumer: object) -> frozenset[str]:
    """Return the names of the decorators around `consumer`, as a frozenset."""
    return getattr(consumer, "consumer_marks", frozenset())


def is_async_consumer(consumer: object) -> bool:
    """Whether calling `consumer` gives something to await."""
    if iscoroutinefunction(consumer):
        return True
    return not isinstance(consumer, type) and iscoroutinefunction(
        getattr(consumer, "__call__", None)  # noqa: B004  (an object's own, which may be async def)
    )


def find_message(args: Sequence[Any], decorator: str, consumer: object) -> Message:
    """Return the message among the first two positional arguments; raise ValueError if none is."""
    for arg in args[:2]:
        if isinstance(arg, Message):
            return arg
    got = ", ".join(type(arg).__name__ for arg in args[:2]) or "none"
    raise ValueError(
        f"{decorator} around {name_that_thing(consumer)}: expected a Message as the first or "
        f"second positional argument, got {got}"
    )


def _walk(steps: Steps, run: Callable[[], R]) -> R | None:
    """Go through `steps`; return what the consumer returned, None if it was left out."""
    returned: R | None = None
    try:
        wanted = next(steps)
        while True:
            try:
                answer = (run if wanted is _RUN else wanted)()
            except BaseException as error:  # the steps decide what becomes of it
                wanted = steps.throw(error)
                continue
            if wanted is _RUN:
                returned = answer
            wanted = steps.send(answer)
    except StopIteration:
        return returned


async def _walk_async(steps: Steps, run: Callable[[], Awaitable[R]]) -> R | None:
    """`_walk` for an `async def` consumer: what else is yielded is called in a thread."""
    returned: R | None = None
    try:
        wanted = next(steps)
        while True:
            try:
                answer = await (run if wanted is _RUN else sync_to_async(wanted))()
            except BaseException as error:  # the steps decide what becomes of it
                wanted = steps.throw(error)
                continue
            if wanted is _RUN:
                returned = answer
            wanted = steps.send(answer)
    except StopIteration:
        return returned
