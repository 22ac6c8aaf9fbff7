"""What of an instance goes to another worker, and how it is put back there."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async

from worker.applications.travel import CannotTravel, pack_state

#: What an instance gets from whatever runs it; each worker gives it its own.
_GIVEN = frozenset(
    {"scope", "channel_layer", "channel_name", "channel_receive", "base_send", "_host"}
)
#: What routers and middleware make out of the rest of a scope, as new code does it.
_MADE_ANEW = frozenset({"url_route", "path_remaining", "extensions"})

#: The parts of a state.
ATTRIBUTES, SCOPE, SAID = "attributes", "scope", "said"


class Baseline:
    """What an instance had before its first event: what is still the same need not travel."""

    def __init__(self, consumer: Any) -> None:
        self._attributes = dict(vars(consumer))
        self._scope = dict(consumer.scope)

    async def pack(self, consumer: Any) -> bytes:
        """Return the state of an instance. Raises CannotTravel."""
        say = getattr(consumer, "hand_over", None)
        said = None if say is None else await _call(consumer, say)
        attributes = self._find_attributes(consumer, is_told_more=say is not None)
        return pack_state({ATTRIBUTES: attributes, SCOPE: self._find_scope(consumer), SAID: said})

    def pack_at_once(self, consumer: Any) -> bytes:
        """The same for a checkpoint: without what `hand_over` would say. Raises CannotTravel."""
        attributes = self._find_attributes(consumer, is_told_more=hasattr(consumer, "hand_over"))
        return pack_state({ATTRIBUTES: attributes, SCOPE: self._find_scope(consumer), SAID: None})

    def _find_attributes(self, consumer: Any, *, is_told_more: bool) -> dict[str, Any]:
        attributes = {}
        for name, value in vars(consumer).items():
            if name in _GIVEN:
                continue
            is_original = self._attributes.get(name, _GIVEN) is value
            if (is_original or is_told_more) and not _can_travel(name, value):
                continue  # its __init__ makes it anew there, or hand_over() has seen to it
            attributes[name] = value
        return attributes

    def _find_scope(self, consumer: Any) -> dict[str, Any]:
        """What has been put into the scope since."""
        return {
            name: value
            for name, value in consumer.scope.items()
            if name not in _MADE_ANEW and self._scope.get(name, _GIVEN) is not value
        }


def _can_travel(name: str, value: Any) -> bool:
    try:
        pack_state({name: value})
    except CannotTravel:
        return False
    return True


async def put_back(consumer: Any, state: Mapping[str, Any]) -> None:
    """Give an instance what it had on another worker."""
    vars(consumer).update(state[ATTRIBUTES])
    consumer.scope.update(state[SCOPE])
    take_over = getattr(consumer, "take_over", None)
    if take_over is not None:
        await _call(consumer, take_over, state[SAID])


async def say_resumed(consumer: Any) -> None:
    """Tell an instance that it goes on, on another worker."""
    resumed = getattr(consumer, "resumed", None)
    if resumed is not None:
        await _call(consumer, resumed)


async def _call(consumer: Any, method: Any, *args: Any) -> Any:
    """Call a method, whether it is a coroutine or a function."""
    if inspect.iscoroutinefunction(method):
        return await method(*args)
    if consumer._sync:
        return await sync_to_async(method, thread_sensitive=False)(*args)
    return method(*args)


def explain(consumer: Any, error: CannotTravel) -> str:
    """What keeps an instance from moving, and what to write so that it can."""
    kind = type(consumer)
    place = error.where.partition(".")[0].partition("[")[0]
    return (
        f"{kind.__module__}.{kind.__qualname__}: self.{error}; give the class a hand_over(self) "
        f"that ends it and returns what to go on with, and a resumed(self) that makes "
        f"self.{place} again"
    )
