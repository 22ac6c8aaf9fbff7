"""What the registry holds of one process.

A record is packed facts; or, where messages are encrypted, a packed dict of

    keys    fingerprints of the process's keys, the one that it encrypts with first
    facts   the facts, encrypted with that one

The fingerprints can be read without any key, so that whoever starts sees both whether it could read
what the others write, and whether they could read what it writes.
"""

import re
from collections.abc import Mapping
from typing import Any

from channels.layers.codec import Codec, UndecodableMessage, pack_plain, unpack_plain

_NAME = re.compile(rb"[a-zA-Z0-9_.\-]{1,199}")


class JunkRecord(ValueError):
    """An entry of the registry that no process of ours has made."""


def read_name(raw: bytes) -> str:
    """The id of a process, or "" for bytes that can't be one."""
    return raw.decode() if _NAME.fullmatch(raw) else ""


class Records:
    """Packs and reads records."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._keys = codec.seal.fingerprints if codec.seal else []

    def pack(self, kind: str, name: str, facts: Mapping[str, Any]) -> bytes:
        """Return the record of a process of ours."""
        what = "facts of a process"
        if not self._keys:
            return pack_plain(dict(facts), what)
        packed = self._codec.pack_value(dict(facts), what, f"{kind} {name}", is_ours=True)
        return pack_plain({"keys": self._keys, "facts": packed}, what)

    def read(self, kind: str, name: str, record: bytes | None) -> dict[str, Any]:
        """Return the facts in a record, and `keys`; these alone if nothing else can be read.

        Raises JunkRecord.
        """
        if not name or record is None:
            raise JunkRecord("it has no name of a process, or there is nothing known of it")
        try:
            facts = _need_dict(unpack_plain(record))
            packed = facts.get("facts")
            if packed is None:
                return {**_check_facts(facts), "keys": []}
            keys = _read_keys(facts.get("keys"))
            if keys[0] not in self._keys:
                return {"keys": keys}
            facts = _need_dict(self._codec.unpack_value(packed, f"{kind} {name}"))
        except UndecodableMessage as error:
            raise JunkRecord(f"it can't be read: {error}") from error
        return {**_check_facts(facts), "keys": keys}

    def find_trouble(self, process: Mapping[str, Any]) -> str | None:
        """What of a process's keys keeps us from living with it; None if nothing does."""
        ours, theirs = self._keys, process["keys"]
        if not ours and not theirs:
            return None
        if not theirs:
            return "has no symmetric_encryption_keys, and this one has"
        if not ours:
            return f"has symmetric_encryption_keys ({', '.join(theirs)}), and this one has none"
        if theirs[0] not in ours:
            return (
                f"encrypts with key {theirs[0]}, which is not among this one's "
                f"symmetric_encryption_keys ({', '.join(ours)}): a new key is put behind the old "
                "one in all processes, before it comes first in any"
            )
        if ours[0] not in theirs:
            return (
                f"can't read key {ours[0]}, with which this one encrypts: it has only "
                f"{', '.join(theirs)} of symmetric_encryption_keys. A new key is put behind the "
                "old one in all processes, before it comes first in any"
            )
        return None


def _need_dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise JunkRecord(f"it is a {type(value).__name__}, not a dict")
    return value


def _read_keys(keys: object) -> list[str]:
    if not (isinstance(keys, list) and keys and all(isinstance(key, str) for key in keys)):
        raise JunkRecord("it has no fingerprints of keys")
    return keys


def _check_facts(facts: dict[str, Any]) -> dict[str, Any]:
    marks = facts.get("project", [])
    if not isinstance(facts.get("protocol"), int):
        raise JunkRecord("it does not say which version of the protocol it speaks")
    if not (isinstance(marks, list) and all(isinstance(mark, str) for mark in marks)):
        raise JunkRecord("it has no list of marks of its project")
    return facts
