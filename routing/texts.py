"""Routes as they stand in a routing.py, so that a message about one can be traced to its line."""

from typing import Any

from channels.utils import name_that_thing

#: How many entries of a list are shown.
_SHOWN = 3


def show_call(function: str, *args: Any, **filters: Any) -> str:
    """Return the text of a call of `route` and its kin."""
    shown = [show(arg) for arg in args]
    shown += [f"{key}={getattr(value, 'pattern', value)!r}" for key, value in filters.items()]
    return f"{function}({', '.join(shown)})"


def show(thing: object) -> str:
    """Return the text of one argument: consumers by their dotted path, long lists cut short."""
    if isinstance(thing, (list, tuple)):
        more = ", …" if len(thing) > _SHOWN else ""
        return f"[{', '.join(show(item) for item in thing[:_SHOWN])}{more}]"
    return name_that_thing(thing) if callable(thing) else repr(thing)
