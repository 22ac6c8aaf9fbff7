"""The plans for the registry: which processes live, and what is known of them."""

import contextlib
import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from channels.exceptions import PrefixTaken
from channels.layers.redis.presence import scripts
from channels.layers.redis.presence.records import JunkRecord, Records, read_name
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Plan, Request
from channels.layers.redis.transport.wire import check, read_nothing

logger = logging.getLogger("channels.layers")

#: The number of a connection, in what CLIENT LIST says of it.
_CLIENT_ID = re.compile(rb"(?m)^id=(\d+) ")

#: What this version of the layer keeps in Redis, and how. Two versions can't share a prefix.
PROTOCOL = 1
#: A process is dead when its last sign of life is this old; each gives one every 5 s.
TTL_MS = {"servers": 40_000, "workers": 20_000}
#: The singular of each kind, for texts.
KINDS = {"servers": "interface server", "workers": "worker"}


class Registry:
    """Plans for the registry. It lies on one host."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._keyspace = rules.keyspace
        self.host = rules.keyspace.host_of("registry")
        self._records = Records(rules.codec)

    def enter_request(self, kind: str, name: str, facts: Mapping[str, Any]) -> Request:
        """The Request that shows that a process lives, with facts about it (a dict).

        The reply is the ids of processes of its kind that have been dead for long.
        """
        key = self._keyspace.registry(kind)
        record = self._records.pack(kind, name, {**facts, "protocol": PROTOCOL})
        call = scripts.REGISTER.call([key, f"{key}:facts"], [name, record, TTL_MS["servers"]])
        return Request(self.host, call)

    def leave_requests(self, kind: str, name: str | bytes) -> list[Request]:
        """Requests that take a process out."""
        key = self._keyspace.registry(kind)
        return [
            Request(self.host, ("ZREM", key, name)),
            Request(self.host, ("HDEL", f"{key}:facts", name)),
        ]

    def take_out(self, kind: str, name: str) -> Plan[dict[str, Any] | None]:
        """Plan: take a dead process out; returns the facts about it, or None if somebody else has
        taken it out."""
        facts_key = f"{self._keyspace.registry(kind)}:facts"
        record, *removed = yield [
            Request(self.host, ("HGET", facts_key, name)),
            *self.leave_requests(kind, name),
        ]
        if not check(removed[0]):
            return None
        try:
            return self._records.read(kind, name, check(record))
        except JunkRecord:
            return {}

    def dead_request(self, kind: str) -> Request:
        """The Request for the ids of the dead processes of a kind."""
        call = scripts.DEAD.call([self._keyspace.registry(kind)], [TTL_MS[kind]])
        return Request(self.host, call)

    def living_request(self, kind: str) -> Request:
        """The Request for the living processes of a kind, as [id, age of the last sign of life in
        ms, ...]."""
        call = scripts.LIVING.call([self._keyspace.registry(kind)], [TTL_MS[kind]])
        return Request(self.host, call)

    def ages_s(self, kind: str) -> Plan[dict[str, float]]:
        """Plan: the ages of the last signs of life of a kind of process, in seconds, by id."""
        (reply,) = yield [self.living_request(kind)]
        found = check(reply)
        return {
            name.decode(): int(age_ms) / 1000
            for name, age_ms in zip(found[::2], found[1::2], strict=True)
        }

    def processes(self, kind: str) -> Plan[list[dict[str, Any]]]:
        """Plan: the living processes of a kind, as dicts of id, seen_s (age of the last sign of
        life), `keys` (fingerprints of its encryption keys), and its facts, as far as they can be
        read. What is no entry of a process is told, and removed."""
        (reply,) = yield [self.living_request(kind)]
        names, ages_ms = check(reply)[::2], check(reply)[1::2]
        if not names:
            return []
        facts_key = f"{self._keyspace.registry(kind)}:facts"
        (packed,) = yield [Request(self.host, ("HMGET", facts_key, *names))]
        found = []
        for raw, age_ms, record in zip(names, ages_ms, check(packed), strict=True):
            name = read_name(raw)
            try:
                facts = self._records.read(kind, name, record)
            except JunkRecord as error:
                yield from self.remove_junk(kind, raw, error)
                continue
            found.append({**facts, "id": name, "seen_s": int(age_ms) / 1000})
        return found

    def find_lost(self, ids: Collection[str]) -> Plan[dict[str, int]]:
        """Plan: those of these workers whose lifeline is cut, with the number that it had."""
        names = sorted(ids)
        facts_key = f"{self._keyspace.registry('workers')}:facts"
        (packed,) = yield [Request(self.host, ("HMGET", facts_key, *names))]
        lines: dict[str, int] = {}
        for name, record in zip(names, check(packed), strict=True):
            with contextlib.suppress(JunkRecord):
                line = self._records.read("workers", name, record).get("lifeline")
                if isinstance(line, int):
                    lines[name] = line
        if not lines:
            return {}
        (reply,) = yield [Request(self.host, ("CLIENT", "LIST", "ID", *lines.values()))]
        if isinstance(reply, Exception):  # an ACL user that may not ask
            return {}
        there = {int(number) for number in _CLIENT_ID.findall(reply)}
        return {name: line for name, line in lines.items() if line not in there}

    def read_ids(self, kind: str, names: Iterable[bytes]) -> Plan[list[str]]:
        """Plan: those of `names` that can be ids of processes; the others are removed."""
        ids = []
        for raw in names:
            name = read_name(raw)
            if name:
                ids.append(name)
            else:
                yield from self.remove_junk(kind, raw, JunkRecord("it has no name of a process"))
        return ids

    def remove_junk(self, kind: str, name: bytes, why: Exception) -> Plan[None]:
        """Plan: tell of an entry that no process of ours has made, and take it out. If one has, it
        comes again with its next sign of life."""
        logger.warning("%r was removed from the registry of %s: %s", name, kind, why)
        read_nothing((yield self.leave_requests(kind, name)))

    def check_neighbours(self, prefix: str, project: Sequence[str]) -> Plan[None]:
        """Plan: raise PrefixTaken if a process of another project, or of another version of what is
        kept in Redis, lives under our prefix. `project` is a list of marks."""
        for kind in KINDS:
            for process in (yield from self.processes(kind)):
                trouble = self._records.find_trouble(process) or _find_trouble(process, project)
                if trouble:
                    raise PrefixTaken(prefix, _name(kind, process), trouble)


def _find_trouble(process: dict[str, Any], project: Sequence[str]) -> str | None:
    """What keeps us from living with a process; None if nothing does."""
    if process.get("protocol") != PROTOCOL:
        return (
            f"speaks version {process.get('protocol')} of the layer's protocol, and this one "
            f"speaks version {PROTOCOL}"
        )
    theirs = process.get("project")
    if theirs and project and not set(theirs) & set(project):
        return (
            "is of another project, or of this one with another SECRET_KEY: a key that changes "
            "stays in SECRET_KEY_FALLBACKS for a while"
        )
    return None


def _name(kind: str, process: dict[str, Any]) -> str:
    where = f"pid {process['pid']} on {process['host']}" if "host" in process else "unknown"
    return f"{KINDS[kind]} {process['id']} ({where}, seen {process['seen_s']:.0f} s ago)"
