"""Bytes as values again, in the worker that takes over.

Classes are looked for among the modules that are loaded already: nothing is imported, and neither
`__init__` nor any other code of theirs runs.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import importlib
import sys
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

import msgpack
from django.apps import apps
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Model

from worker.applications.travel.errors import UnreadableState
from worker.applications.travel.kinds import MAX_DEPTH, Kind


def unpack_state(packed: bytes) -> dict[str, Any]:
    """Return the dict that was packed. Reads the database for the models in it.

    Raises UnreadableState.
    """
    state = _Reader().read(packed)
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise UnreadableState(f"expected a packed dict of names, got {type(state).__name__}")
    return state


class _Reader:
    """Reads one state; knows how deep it is in it."""

    def __init__(self) -> None:
        self._depth = 0

    def read(self, packed: bytes) -> Any:
        try:
            return msgpack.unpackb(
                packed, raw=False, strict_map_key=False, ext_hook=self._read_kind
            )
        except UnreadableState:
            raise
        except Exception as error:  # msgpack raises a dozen kinds for bytes that are not its own
            raise UnreadableState(f"this is no state of a consumer: {error!r}") from error

    def _read_kind(self, code: int, data: bytes) -> Any:
        self._depth += 1
        try:
            if self._depth > 2 * MAX_DEPTH:
                raise UnreadableState("it is nested too deeply")
            kind = Kind(code)
            parts = self.read(data)
            if not isinstance(parts, list):
                raise UnreadableState(f"expected a list for {kind.name}")
            return _READERS[kind](*_arguments(kind, parts))
        except UnreadableState:
            raise
        except Exception as error:
            raise UnreadableState(f"a value of kind {code} can't be read: {error!r}") from error
        finally:
            self._depth -= 1


def _arguments(kind: Kind, parts: list[Any]) -> list[Any]:
    return [parts] if kind in (Kind.TUPLE, Kind.SET, Kind.FROZENSET) else parts


# -- single values ----------------------------------------------------------------------------


def _read_deque(longest: int | None, items: list[Any]) -> collections.deque[Any]:
    return collections.deque(items, longest)


def _read_datetime(text: str, zone: str | None) -> datetime.datetime:
    value = datetime.datetime.fromisoformat(text)
    return value if zone is None else value.replace(tzinfo=zoneinfo.ZoneInfo(zone))


def _read_uuid(data: bytes) -> uuid.UUID:
    return uuid.UUID(bytes=data)


def _read_big_int(text: str) -> int:
    return int(text, 16)


# -- classes of the project -------------------------------------------------------------------


def _find_class(name: str) -> type:
    module_name, _, path = name.partition(":")
    found: Any = sys.modules.get(module_name)
    if found is None:
        raise UnreadableState(f"the module of {name!r} is not loaded in this worker")
    for part in path.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    if not isinstance(found, type):
        raise UnreadableState(f"there is no class {path!r} in {module_name!r} any more")
    return found


def _read_enum(name: str, member: str, value: Any) -> enum.Enum:
    kind = _find_class(name)
    if not issubclass(kind, enum.Enum):
        raise UnreadableState(f"{name!r} is no enum any more")
    if member in kind.__members__:
        return kind.__members__[member]
    if issubclass(kind, enum.Flag):  # several members together have no entry of their own
        return kind(value)
    raise UnreadableState(f"{name!r} has no member {member!r} any more")


def _read_named_tuple(name: str, fields: list[Any]) -> tuple[Any, ...]:
    kind = _find_class(name)
    if not issubclass(kind, tuple) or len(getattr(kind, "_fields", ())) != len(fields):
        raise UnreadableState(f"{name!r} has other fields now")
    return tuple.__new__(kind, fields)


def _read_dataclass(name: str, values: dict[str, Any]) -> object:
    kind = _find_class(name)
    if not dataclasses.is_dataclass(kind):
        raise UnreadableState(f"{name!r} is no dataclass any more")
    made = object.__new__(kind)
    for field in dataclasses.fields(kind):
        if field.name in values:
            object.__setattr__(made, field.name, values[field.name])
        elif field.default is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default)
        elif field.default_factory in (list, dict, set):
            object.__setattr__(made, field.name, field.default_factory())
        else:
            raise UnreadableState(f"{name!r} has a new field {field.name!r}, without a default")
    return made


# -- Django's ---------------------------------------------------------------------------------


def _read_model(label: str, database: str | None, key: Any) -> Model:
    model = apps.get_model(label)
    try:
        found: Model = model._base_manager.using(database).get(pk=key)
        return found
    except model.DoesNotExist as error:
        raise UnreadableState(f"{label} {key!r} is not in the database any more") from error


def _read_session(engine: str, key: str | None) -> SessionBase:
    if engine not in sys.modules:
        raise UnreadableState(f"the session engine {engine!r} is not loaded in this worker")
    session: SessionBase = importlib.import_module(engine).SessionStore(key)
    return session


def _read_anonymous() -> object:
    return importlib.import_module("django.contrib.auth.models").AnonymousUser()


_READERS: dict[Kind, Callable[..., Any]] = {
    Kind.TUPLE: tuple,
    Kind.SET: set,
    Kind.FROZENSET: frozenset,
    Kind.DEQUE: _read_deque,
    Kind.DATETIME: _read_datetime,
    Kind.DATE: datetime.date.fromisoformat,
    Kind.TIME: datetime.time.fromisoformat,
    Kind.TIMEDELTA: datetime.timedelta,
    Kind.DECIMAL: decimal.Decimal,
    Kind.UUID: _read_uuid,
    Kind.ENUM: _read_enum,
    Kind.NAMED_TUPLE: _read_named_tuple,
    Kind.DATACLASS: _read_dataclass,
    Kind.MODEL: _read_model,
    Kind.BIG_INT: _read_big_int,
    Kind.SESSION: _read_session,
    Kind.ANONYMOUS: _read_anonymous,
}
