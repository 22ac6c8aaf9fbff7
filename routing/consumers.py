"""What can be a consumer: checked when the routes are made, not when the first message comes."""

import inspect

from channels.utils import name_that_thing
from routing.errors import RouteProblem
from routing.loading import load_object


def load_consumer(consumer):
    """Return `consumer` itself, or the object at its dotted path. Raises RouteProblem."""
    return load_object(consumer) if isinstance(consumer, str) else consumer


def check_consumer(consumer):
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
    return consumer


def find_call_problem(consumer, kwargs):
    """Say why `consumer(message, **kwargs)` would raise a TypeError; None if nothing says it would.

    `kwargs`: the names of the keyword arguments, which are the named groups of a route's filters.
    """
    signature = find_signature(consumer)
    if signature is None or _binds(signature.bind, kwargs):
        return None
    given = ", ".join(["message", *(f"{name}=…" for name in kwargs)])
    return f"{name_that_thing(consumer)}{signature} will be called with ({given})"


def find_signature(consumer):
    """Return the signature that a consumer's call must fit, or None if it can't be known.

    Decorators of this package hand on what they get, so it is looked up behind them; what anybody
    else's decorator hands on, only it knows.
    """
    if not inspect.ismethod(consumer):
        consumer = inspect.unwrap(consumer, stop=lambda layer: not _is_transparent(layer))
    try:
        return inspect.signature(consumer, follow_wrapped=False)
    except (TypeError, ValueError):  # some that are written in C have none
        return None


def _is_transparent(layer):
    """Whether the outermost decorator of `layer` is one of ours: it adds a mark of its own."""
    return get_marks(layer) != get_marks(layer.__wrapped__)


def get_marks(consumer):
    """Return the names of this package's decorators on `consumer`, a frozenset."""
    marks = getattr(consumer, "consumer_marks", None)
    return marks if isinstance(marks, frozenset) else frozenset()


def _binds(bind, kwargs=()):
    try:
        bind(None, **dict.fromkeys(kwargs))
    except TypeError:
        return False
    return True
