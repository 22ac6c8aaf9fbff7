"""Handlers of class consumers that are called and never run. What an application leads to is read
from its attributes; nothing is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

from channels.consumer import SyncConsumer

#: Where an application may have those behind it: one, or several.
_ONE = ("inner", "application", "callback", "__wrapped__")
_SEVERAL = ("application_mapping", "routes")
#: What the classes of `channels.generic` call.
_HANDLERS = ("connect", "receive", "receive_json", "disconnect")


def find_unrun_handlers(application: object) -> Iterator[tuple[str, str]]:
    """Yield (text, hint) for each handler of a SyncConsumer whose code never runs."""
    for kind in _unique(_find_consumers(application, set())):
        for name in dir(kind):
            if name in _HANDLERS or name.startswith("websocket_"):
                yield from _look_at(kind, name)


def _look_at(kind: type[SyncConsumer], name: str) -> Iterator[tuple[str, str]]:
    handler = getattr(kind, name)
    if inspect.iscoroutinefunction(handler):
        what = "is async def"
        hint = "Write def, or let the class be an AsyncWebsocketConsumer or its like."
    elif inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        what = "has a yield in it"
        hint = "Send what is to be answered with self.send(...)."
    else:
        return
    where = f"{kind.__module__}.{kind.__qualname__}.{name}"
    yield f"{where} {what}, and the class is a SyncConsumer: it is called, and never runs", hint


def _find_consumers(application: object, seen: set[int]) -> Iterator[type[SyncConsumer]]:
    if id(application) in seen:
        return
    seen.add(id(application))
    kind = getattr(application, "consumer_class", application)
    if isinstance(kind, type):
        if issubclass(kind, SyncConsumer):
            yield kind
        return
    for inner in _behind(application):
        yield from _find_consumers(inner, seen)


def _behind(application: object) -> Iterator[object]:
    attributes = getattr(application, "__dict__", {})
    yield from (attributes[name] for name in _ONE if name in attributes)
    for name in _SEVERAL:
        several = attributes.get(name, ())
        yield from several.values() if isinstance(several, dict) else _as_list(several)


def _as_list(several: object) -> Iterable[object]:
    return several if isinstance(several, (list, tuple)) else ()


def _unique(kinds: Iterable[type[SyncConsumer]]) -> list[type[SyncConsumer]]:
    return list(dict.fromkeys(kinds))
