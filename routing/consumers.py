"""What can be a consumer: checked when the routes are made, not when the first message comes."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from channels.utils import name_that_thing
from routing.errors import RouteProblem
from routing.loading import load_object


def load_consumer(consumer: Any) -> Any:
    """Return `consumer` itself, or the object at its dotted path. Raises RouteProblem."""
    return load_object(consumer) if isinstance(consumer, str) else consumer


def check_consumer(consumer: Any) -> Any:
    """Return `consumer` if it can be called with a message. Raises RouteProblem."""
    if inspect.ismodule(consumer):
        raise RouteProblem(f"{consumer.__name__!r} is a module: name the consumer inside it")
    if not callable(consumer):
        raise RouteProblem(
            f"a consumer must be callable, or a dotted path to something callable; "
            f"got {type(consumer).__name__} {consumer!r}"
        )
    signature = find_signature(consumer)
    if signature and not _binds(signature.bind_partial):
        raise RouteProblem(
            f"the consumer {name_that_thing(consumer)}{signature} takes no message: "
            "its first parameter must be the message, as in def consumer(message, **kwargs)"
        )
    if is_generator(consumer):
        raise RouteProblem(
            f"the consumer {name_that_thing(consumer)} has a `yield` in it, so calling it runs "
            "nothing of it: send each part with message.reply_channel.send(...), and go through "
            "what another generator gives with `for` (or `async for`) inside of the consumer"
        )
    return consumer


def is_generator(consumer: object) -> bool:
    """Whether calling `consumer` makes a generator, plain or async, and runs none of its code."""
    while isinstance(consumer, functools.partial):
        consumer = consumer.func
    consumer = unwrap_ours(consumer)
    kind = type(consumer)
    own_call = getattr(kind, "__call__", None)  # noqa: B004  (an object's own)
    return any(
        inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one)
        for one in (consumer, own_call)
    )


def refuse_class(consumer: object, channels: Sequence[str]) -> None:
    """Raise RouteProblem for a class that does nothing with a message of `channels`."""
    if not isinstance(consumer, type):
        return
    names_of: Callable[[], Iterable[str]] | None = getattr(consumer, "channel_names", None)
    name = name_that_thing(consumer)
    if callable(getattr(consumer, "as_asgi", None)):
        raise RouteProblem(
            f"{name} is a class consumer of Channels 2 and later: it goes into the URLRouter of "
            f"ASGI_APPLICATION, as {consumer.__name__}.as_asgi()"
        )
    if callable(getattr(consumer, "consumer", None)):
        raise RouteProblem(
            f"{name} is a class: route to its consumer, {consumer.__name__}.consumer, or put that "
            "among the `consumers` of a WebsocketDemultiplexer"
        )
    if not callable(names_of):
        raise RouteProblem(
            f"{name} is a class: a message would only make an instance of it; make it a subclass "
            f"of a class in channels.generic, and write route_class({consumer.__name__}, ...)"
        )
    missing = sorted(set(channels) - set(names_of()))
    if missing:
        raise RouteProblem(
            f"{name} is a class whose method_mapping lacks {', '.join(map(repr, missing))}: add "
            f"them there, and write route_class({consumer.__name__}, ...)"
        )


def find_call_problem(consumer: object, kwargs: Sequence[str]) -> str | None:
    """Say why `consumer(message, **kwargs)` would raise a TypeError; None if nothing says it would.

    `kwargs`: the names of the keyword arguments, which are the named groups of a route's filters.
    """
    signature = find_signature(consumer)
    if signature is None or _binds(signature.bind, kwargs):
        return None
    given = ", ".join(["message", *(f"{name}=…" for name in kwargs)])
    return f"{name_that_thing(consumer)}{signature} will be called with ({given})"


def find_signature(consumer: Any) -> inspect.Signature | None:
    """Return the signature that a consumer's call must fit, or None if it can't be known.

    Decorators of this package hand on what they get, so it is looked up behind them; what anybody
    else's decorator hands on, only it knows.
    """
    consumer = unwrap_ours(consumer)
    try:
        return inspect.signature(consumer, follow_wrapped=False)
    except (TypeError, ValueError):  # some that are written in C have none
        return None


def unwrap_ours(consumer: Any) -> Any:
    """Return what is behind this package's decorators, down to somebody else's, if there is one."""
    if inspect.ismethod(consumer):
        return consumer
    return inspect.unwrap(consumer, stop=lambda layer: not _is_transparent(layer))


def _is_transparent(layer: Any) -> bool:
    """Whether the outermost decorator of `layer` is one of ours: it adds a mark of its own."""
    return get_marks(layer) != get_marks(layer.__wrapped__)


def get_marks(consumer: object) -> frozenset[str]:
    """Return the names of this package's decorators on `consumer`, a frozenset."""
    marks = getattr(consumer, "consumer_marks", None)
    return marks if isinstance(marks, frozenset) else frozenset()


def _binds(bind: Callable[..., Any], kwargs: Iterable[str] = ()) -> bool:
    try:
        bind(None, **dict.fromkeys(kwargs))
    except TypeError:
        return False
    return True
