"""Messages as bytes: MessagePack, encrypted if the layer has keys (see `channels.layers.sealing`).

Text stays `str` and bytes stay `bytes` (MessagePack's bin type); tuples come back as lists. What
can be packed can be unpacked: the rest is refused at once, at its sender.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import msgpack

from channels.exceptions import InvalidMessage, MessageTooLarge
from channels.layers.sealing import Seal, SealBroken

#: Lists and dicts may be nested so deep. MessagePack's reader ends at 1,024 levels, and a message
#: is packed into others on its way.
MAX_DEPTH = 500
#: What needs no closer look.
_PLAIN = frozenset({str, bytes, int, float, bool, type(None)})

#: Where something lies in a message: where its container lies, and its key or index there.
Path: TypeAlias = "tuple[Path, object] | None"


class UndecodableMessage(ValueError):
    """Bytes from the layer that are no message, or were encrypted with a key we do not have."""


class _Own(threading.local):
    """Each thread's packer: making one costs more than packing a small message."""

    def __init__(self) -> None:
        self.packer = msgpack.Packer(use_bin_type=True)


_own = _Own()


def session_place(reply_channel: str, key: str) -> str:
    """What a value of a channel session belongs to, if it is encrypted."""
    return f"session {reply_channel} {key}"


class Codec:
    """Packs and unpacks messages.

    Args:
        max_bytes: the largest packed message, in bytes before encryption.
        symmetric_encryption_keys: a list of str or bytes; the first encrypts, all decrypt.
        get_life_s: function that returns how many seconds a message to a channel may take until it
            is read, or None if that has no limit. By default nothing has one.
    """

    def __init__(
        self,
        max_bytes: int,
        symmetric_encryption_keys: Sequence[str | bytes] = (),
        get_life_s: Callable[[str], float | None] = lambda channel: None,
    ) -> None:
        self.max_bytes = max_bytes
        self.seal = Seal(symmetric_encryption_keys) if symmetric_encryption_keys else None
        self._get_life_s = get_life_s

    def pack_message(
        self, message: object, channel: str, *, delay_s: float = 0.0, is_ours: bool = False
    ) -> bytes:
        """Return `message` as bytes. Raises InvalidMessage or MessageTooLarge, naming `channel`.

        `delay_s`: it can't be read before that. `is_ours`: its shape is known to be good.
        """
        packed = self._pack_message(message, channel, is_ours)
        if self.seal is None:
            return packed
        life_s = self._get_life_s(channel)
        return self.seal.close(packed, channel, None if life_s is None else life_s + delay_s)

    def pack_group_message(self, message: object, group: str) -> bytes:
        """The same for a message to a group, which any of its members can read."""
        packed = self._pack_message(message, f"group {group}", False)
        return packed if self.seal is None else self.seal.close_for_all(packed)

    def _pack_message(self, message: object, where: str, is_ours: bool) -> bytes:
        if not isinstance(message, dict):
            raise InvalidMessage(
                f"a message for {where!r} must be a dict, got {type(message).__name__}"
            )
        packed = pack_plain(message, where, is_ours, "the message for {!r}")
        if len(packed) > self.max_bytes:
            raise MessageTooLarge(where, len(packed), self.max_bytes)
        return packed

    def pack_value(
        self, value: object, what: str, place: str = "", *, is_ours: bool = False
    ) -> bytes:
        """Return any packable value as bytes. Raises InvalidMessage, which calls it `what`.

        If it is encrypted, it can be unpacked for the same `place` only.
        """
        packed = pack_plain(value, what, is_ours)
        return packed if self.seal is None else self.seal.close(packed, f"value {place}", None)

    def unpack_message(
        self, packed: bytes | memoryview, channel: str = "", *, is_first: bool = False
    ) -> dict[str, Any]:
        """Return the message in `packed`. Raises UndecodableMessage.

        If it is encrypted, it must be for `channel`, and its time must not be over.

        `is_first`: nobody can have read it before: that is refused if this process has.
        """
        if self.seal is not None:
            packed = self._open(self.seal.open, packed, channel, is_first)
        message = unpack_plain(packed)
        if not isinstance(message, dict):
            raise UndecodableMessage(f"expected a packed dict, got {type(message).__name__}")
        return message

    def unpack_kept_message(self, packed: bytes | memoryview, channel: str) -> dict[str, Any]:
        """The same for a message that was kept, among dead letters, and has no expiry any more."""
        if self.seal is not None:
            packed = self._open(self.seal.open_kept, packed, channel)
        message = unpack_plain(packed)
        if not isinstance(message, dict):
            raise UndecodableMessage(f"expected a packed dict, got {type(message).__name__}")
        return message

    def unpack_value(self, packed: bytes | memoryview, place: str = "") -> Any:
        """Return the value in `packed`. Raises UndecodableMessage."""
        if self.seal is not None:
            packed = self._open(self.seal.open_kept, packed, f"value {place}")
        return unpack_plain(packed)

    @staticmethod
    def _open(open_seal: Callable[..., bytes], *args: object) -> bytes:
        try:
            return open_seal(*args)
        except SealBroken as error:
            raise UndecodableMessage(str(error)) from error

    def put_back(self, packed: bytes | memoryview) -> None:
        """A message that was unpacked as the first one to do so will be unpacked again."""
        if self.seal is not None:
            self.seal.forget(packed)


def pack_plain(value: object, what: str, is_ours: bool = True, form: str = "{}") -> bytes:
    """Return `value` as bytes that anybody can read. Raises InvalidMessage, which calls it `what`,
    put into `form`."""
    try:
        packed: bytes = _own.packer.pack(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        what = form.format(what)
        if not is_ours:
            _check(value, what)
        where = next(_find_culprit(value, None), "")
        raise InvalidMessage(
            f"{what} can't be packed: {f'at {where}: ' if where else ''}{error}; use dicts, lists, "
            "str, bytes, numbers, booleans and None"
        ) from error
    if not (is_ours or _is_read_at_once(packed)):
        _check(value, form.format(what))
    return packed


def _is_read_at_once(packed: bytes) -> bool:
    """Whether a look by MessagePack itself, which takes a fifth of `_check`, finds nothing amiss:
    each level takes a byte at least, so what is short is not too deep."""
    if len(packed) > MAX_DEPTH:
        return False
    try:
        msgpack.unpackb(packed, raw=False, strict_map_key=False)
    except Exception:
        return False
    return True


def unpack_plain(packed: bytes | memoryview) -> Any:
    """Return what was never encrypted. Raises UndecodableMessage."""
    try:
        return msgpack.unpackb(packed, raw=False, strict_map_key=False)
    except Exception as error:  # msgpack raises a dozen kinds for bytes that are not its own
        raise UndecodableMessage(f"not MessagePack: {error!r}") from error


def _check(value: object, what: str) -> None:
    """Raise InvalidMessage if `value` could be packed, but not unpacked again."""
    todo: list[tuple[Any, int, Path]] = [(value, 1, None)]
    while todo:
        container, depth, path = todo.pop()
        if depth > MAX_DEPTH:
            raise InvalidMessage(f"{what} is nested deeper than {MAX_DEPTH} levels")
        if isinstance(container, dict):
            for key in container:
                if type(key) not in _PLAIN and not _can_be_key(key):
                    raise InvalidMessage(
                        f"{what} can't be packed: {_text_of(path) or 'it'} has the key {key!r}, a "
                        f"{type(key).__name__}, which comes back as a list; use str, bytes or "
                        "numbers as keys"
                    )
            items: Any = container.items()
        elif isinstance(container, (list, tuple)):
            items = enumerate(container)
        else:
            continue
        for key, item in items:
            if type(item) not in _PLAIN:
                todo.append((item, depth + 1, (path, key)))


def _can_be_key(key: object) -> bool:
    return not isinstance(key, tuple) or isinstance(key, msgpack.ExtType)


def _find_culprit(value: Any, path: Path) -> Iterator[str]:
    """Yield where in `value` lies what can't be packed; what comes first, and inmost, first."""
    if isinstance(value, dict):
        items = [(key, part) for key, item in value.items() for part in (key, item)]
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    else:
        items = []
    for key, item in items:
        try:
            msgpack.packb(item)
        except Exception:
            yield from _find_culprit(item, (path, key))
            yield _text_of((path, key))


def _text_of(path: Path) -> str:
    parts: list[str] = []
    while path is not None:
        path, key = path
        parts.append(f"[{key!r}]")
    return "".join(reversed(parts))
