"""What of an instance goes to another worker, and how it is put back there."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.functional import LazyObject, empty

from worker.applications.travel import CannotTravel, pack_state, unpack_state

#: What an instance gets from whatever runs it; each worker gives it its own.
_GIVEN = frozenset(
    {"scope", "channel_layer", "channel_name", "channel_receive", "base_send", "_host"}
)
#: Bytes of a state that a layer carries, with the head of the handshake.
MOST_STATE_BYTES = 900 * 1024
#: What routers and middleware make out of the rest of a scope, as new code does it.
_MADE_ANEW = frozenset({"url_route", "path_remaining", "extensions"})

#: The parts of a state, each packed for itself.
ATTRIBUTES, SCOPE, SAID = "attributes", "scope", "said"
_SAID_BY = "what hand_over() returned"
PackedState = dict[str, bytes]


class Baseline:
    """What an instance had before its first event: what is still the same need not travel."""

    def __init__(self, consumer: Any) -> None:
        self._attributes = dict(vars(consumer))
        self._scope = dict(consumer.scope)

    async def pack(self, consumer: Any) -> PackedState:
        """Return the state of an instance. Raises CannotTravel."""
        self.pack_at_once(consumer)  # before hand_over() ends anything
        say = getattr(consumer, "hand_over", None)
        said = None if say is None else await _call(consumer, say)
        packed = {**self.pack_at_once(consumer), SAID: pack_state({SAID: said}, _SAID_BY)}
        if _is_too_large(packed):
            raise _blame_largest(packed, {_SAID_BY: said})
        return packed

    def pack_at_once(self, consumer: Any) -> PackedState:
        """The same for a checkpoint: without what `hand_over` would say. Raises CannotTravel."""
        attributes, scope = self._find_attributes(consumer), self._find_in_scope(consumer)
        packed = {
            ATTRIBUTES: pack_state(attributes, "self.{}"),
            SCOPE: pack_state(scope, 'self.scope["{}"]'),
        }
        if _is_too_large(packed):
            named = {f"self.{name}": value for name, value in attributes.items()}
            named |= {f'self.scope["{name}"]': value for name, value in scope.items()}
            raise _blame_largest(packed, named)
        return packed

    def _find_attributes(self, consumer: Any) -> dict[str, Any]:
        sees_to_it = hasattr(consumer, "hand_over")
        attributes = {}
        for name, value in vars(consumer).items():
            if name in _GIVEN:
                continue
            is_original = self._attributes.get(name, _GIVEN) is value
            if (is_original or sees_to_it) and not _can_travel(value):
                continue  # its __init__ makes it anew there, or hand_over() has seen to it
            attributes[name] = value
        return attributes

    def _find_in_scope(self, consumer: Any) -> dict[str, Any]:
        """What has been put into the scope since."""
        found = {
            name: value
            for name, value in consumer.scope.items()
            if name not in _MADE_ANEW and self._scope.get(name, _GIVEN) is not value
        }
        if has_new_session(consumer.scope):
            found["session"] = consumer.scope["session"]
        return found


def _is_too_large(packed: PackedState) -> bool:
    """Whether no layer carries a state."""
    return sum(map(len, packed.values())) > MOST_STATE_BYTES


def _blame_largest(packed: PackedState, named: Mapping[str, Any]) -> CannotTravel:
    """What to raise for a state that is too large: it names what is largest of these."""
    largest = max(named, key=lambda name: len(pack_state({name: named[name]})))
    size = sum(map(len, packed.values()))
    reason = f"all of the state takes {size} bytes, and {MOST_STATE_BYTES} may travel"
    return CannotTravel(largest, named[largest], reason)


def has_new_session(scope: Mapping[str, Any]) -> bool:
    """Whether the session is another one than the client's cookie names: `login` gives it a new
    key."""
    session = scope.get("session")
    if isinstance(session, LazyObject):
        session = None if session._wrapped is empty else session._wrapped
    if not isinstance(session, SessionBase) or session.session_key is None:
        return False
    cookies = scope.get("cookies") or {}
    return bool(session.session_key != cookies.get(settings.SESSION_COOKIE_NAME))


def _can_travel(value: object) -> bool:
    try:
        pack_state({"value": value})
    except CannotTravel:
        return False
    return True


async def put_back(consumer: Any, state: PackedState) -> None:
    """Give an instance what it had on another worker. Raises UnreadableState."""
    read = sync_to_async(unpack_state, thread_sensitive=False)
    vars(consumer).update(await read(state[ATTRIBUTES]))
    consumer.scope.update(await read(state[SCOPE]))
    take_over = getattr(consumer, "take_over", None)
    if take_over is not None:
        said = (await read(state[SAID]))[SAID] if SAID in state else None
        await _call(consumer, take_over, said)


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
    name = error.where.partition("[")[0] if error.where.startswith("self.scope") else error.where
    return (
        f"{kind.__module__}.{kind.__qualname__}: {error}. Give the class a method hand_over(self), "
        "which ends what can't move and returns what to go on with, and a method resumed(self), "
        f"which makes {name} again"
    )
