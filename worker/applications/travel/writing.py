"""Values as bytes, for another worker."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgpack
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Model
from django.utils.functional import LazyObject, empty

from worker.applications.travel.errors import CannotTravel
from worker.applications.travel.kinds import MAX_DEPTH, Kind

#: What MessagePack can pack.
Packable: TypeAlias = Any
#: Makes that of a value: called with the value, where it is, and how deep in the state.
Writer: TypeAlias = Callable[[Any, str, int], Packable]

#: It comes without types: checkers guess that it may return None.
_packb: Any = msgpack.packb

_PLAIN = frozenset({type(None), bool, float, str, bytes})


def pack_state(values: dict[str, Any], called: str = "{}") -> bytes:
    """Return a dict of values as bytes. Raises CannotTravel, which says where in them.

    `called`: how a value is called there, with "{}" for its name.
    """
    converted = {name: _convert(value, called.format(name), 0) for name, value in values.items()}
    return _pack(converted, "state", values)


def _pack(value: Packable, where: str, original: Any) -> bytes:
    try:
        packed: bytes = _packb(value, use_bin_type=True)
        return packed
    except (TypeError, ValueError, OverflowError) as error:
        raise CannotTravel(where, original, str(error)) from error


def _extension(kind: Kind, parts: Iterable[Packable], where: str, original: Any) -> msgpack.ExtType:
    return msgpack.ExtType(kind, _pack(list(parts), where, original))


def _convert(value: Any, where: str, depth: int) -> Packable:
    """Return `value` as what MessagePack can pack."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if depth > MAX_DEPTH:
        raise CannotTravel(where, value, "it is nested too deeply, or holds itself")
    write = _WRITERS.get(kind)
    if write is not None:
        return write(value, where, depth + 1)
    return _convert_by_base(value, where, depth + 1)


def _convert_by_base(value: Any, where: str, depth: int) -> Packable:
    if isinstance(value, LazyObject):
        return _write_lazy(value, where, depth)
    for base, write in _BASES:
        if isinstance(value, base):
            return write(value, where, depth)
    if _is_anonymous(value):
        return _extension(Kind.ANONYMOUS, [], where, value)
    if _is_named_tuple(value):
        return _write_named_tuple(value, where, depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _write_dataclass(value, where, depth)
    raise CannotTravel(where, value)


# -- containers -------------------------------------------------------------------------------


def _items(values: Iterable[Any], where: str, depth: int) -> list[Packable]:
    return [_convert(item, f"{where}[{place}]", depth) for place, item in enumerate(values)]


def _write_list(value: list[Any], where: str, depth: int) -> list[Packable]:
    return _items(value, where, depth)


def _write_dict(value: dict[Any, Any], where: str, depth: int) -> dict[Packable, Packable]:
    return {
        _convert(key, f"a key of {where}", depth): _convert(item, f"{where}[{key!r}]", depth)
        for key, item in value.items()
    }


def _items_as(kind: Kind) -> Writer:
    return lambda value, where, depth: _extension(kind, _items(value, where, depth), where, value)


def _write_deque(value: collections.deque[Any], where: str, depth: int) -> msgpack.ExtType:
    return _extension(Kind.DEQUE, [value.maxlen, _items(value, where, depth)], where, value)


# -- single values ----------------------------------------------------------------------------


def _write_int(value: int, where: str, depth: int) -> Packable:
    if -(2**63) <= value < 2**64:
        return value
    return _extension(Kind.BIG_INT, [hex(value)], where, value)


def _write_datetime(value: datetime.datetime, where: str, depth: int) -> msgpack.ExtType:
    return _extension(
        Kind.DATETIME, [value.isoformat(), getattr(value.tzinfo, "key", None)], where, value
    )


def _write_timedelta(value: datetime.timedelta, where: str, depth: int) -> msgpack.ExtType:
    parts = [value.days, value.seconds, value.microseconds]
    return _extension(Kind.TIMEDELTA, parts, where, value)


def _text_as(kind: Kind, text: Callable[[Any], Any]) -> Writer:
    return lambda value, where, depth: _extension(kind, [text(value)], where, value)


# -- classes of the project -------------------------------------------------------------------


def _name_class(value: object, where: str) -> str:
    kind = type(value)
    if "<locals>" in kind.__qualname__:
        raise CannotTravel(where, value, "its class is defined inside a function")
    return f"{kind.__module__}:{kind.__qualname__}"


def _write_enum(value: enum.Enum, where: str, depth: int) -> msgpack.ExtType:
    raw = _convert(value.value, f"{where}.value", depth)
    parts = [_name_class(value, where), value.name, raw]
    return _extension(Kind.ENUM, parts, where, value)


def _is_named_tuple(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(type(value), "_fields")


def _write_named_tuple(value: Any, where: str, depth: int) -> msgpack.ExtType:
    fields = [
        _convert(item, f"{where}.{name}", depth)
        for name, item in zip(value._fields, value, strict=True)
    ]
    return _extension(Kind.NAMED_TUPLE, [_name_class(value, where), fields], where, value)


def _write_dataclass(value: Any, where: str, depth: int) -> msgpack.ExtType:
    fields = {
        field.name: _convert(getattr(value, field.name), f"{where}.{field.name}", depth)
        for field in dataclasses.fields(value)
        if hasattr(value, field.name)
    }
    return _extension(Kind.DATACLASS, [_name_class(value, where), fields], where, value)


# -- Django's ---------------------------------------------------------------------------------


def _write_lazy(value: Any, where: str, depth: int) -> Packable:
    if value._wrapped is empty:
        raise CannotTravel(where, value, "it has not been looked at yet, so it has no value")
    return _convert(value._wrapped, where, depth)


def _write_model(value: Model, where: str, depth: int) -> msgpack.ExtType:
    if value.pk is None or value._state.adding:
        raise CannotTravel(where, value, "it has not been saved, so it has no primary key")
    key = _convert(value.pk, f"{where}.pk", depth)
    return _extension(Kind.MODEL, [value._meta.label, value._state.db, key], where, value)


def _write_session(value: SessionBase, where: str, depth: int) -> msgpack.ExtType:
    return _extension(Kind.SESSION, [type(value).__module__, value.session_key], where, value)


def _is_anonymous(value: object) -> bool:
    """Whether it is Django's AnonymousUser, which may only be imported where it is installed."""
    kind = type(value)
    return kind.__qualname__ == "AnonymousUser" and kind.__module__ == "django.contrib.auth.models"


_WRITERS: dict[type, Writer] = {
    int: _write_int,
    list: _write_list,
    dict: _write_dict,
    tuple: _items_as(Kind.TUPLE),
    set: _items_as(Kind.SET),
    frozenset: _items_as(Kind.FROZENSET),
    collections.deque: _write_deque,
    datetime.datetime: _write_datetime,
    datetime.date: _text_as(Kind.DATE, datetime.date.isoformat),
    datetime.time: _text_as(Kind.TIME, datetime.time.isoformat),
    datetime.timedelta: _write_timedelta,
    decimal.Decimal: _text_as(Kind.DECIMAL, str),
    uuid.UUID: _text_as(Kind.UUID, lambda value: value.bytes),
}

#: What is looked for among the bases of a value's class.
_BASES: tuple[tuple[type, Writer], ...] = (
    (enum.Enum, _write_enum),
    (Model, _write_model),
    (SessionBase, _write_session),
)
