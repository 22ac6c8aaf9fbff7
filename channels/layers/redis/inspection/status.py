"""The plan for `status`: who lives, what waits, how old it is, and what was lost."""

import collections
import time
from collections.abc import Sequence
from typing import Any

from channels.layers.redis.inspection.statistics import Statistics, escape_glob
from channels.layers.redis.presence.registry import Registry
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Plan, Request, in_parts
from channels.layers.redis.transport.wire import check

#: Parts of the names of the keys that a queue may have.
MARKERS = ("q", "n", "later", "dead", "s")
#: What of a process the status shows, if it is known.
SHOWN = (
    "host",
    "pid",
    "version",
    "started",
    "restarted_by",
    "metrics",
    "channels",
    "threads",
    "running",
    "sockets",
    "is_full",
    "hand_overs",
    "keys",
)


class Status:
    """Plans the look at everything. It reads the names of all keys: not for every second."""

    def __init__(self, rules: Rules, registry: Registry, statistics: Statistics) -> None:
        self._keyspace = rules.keyspace
        self._registry, self._statistics = registry, statistics
        #: The names of queues, and the keys of groups' members by group, as of `_names_at_s`.
        self._names: set[str] = set()
        self._members: dict[str, list[tuple[int, bytes]]] = {}
        self._names_at_s = float("-inf")

    def everything(self, names_age_s: float = 0.0) -> Plan[dict[str, Any]]:
        """Plan: the dict that BaseChannelLayer.status returns."""
        if time.monotonic() - self._names_at_s > names_age_s:
            yield from self._find_names()
        servers = yield from self._registry.processes("servers")
        workers = yield from self._registry.processes("workers")
        channels = []
        for name in sorted(self._names):
            channels.append((yield from self._channel(name)))
        sockets = yield from self._count_sockets(servers)
        groups = yield from self._count_members()
        return {
            "servers": [
                {**_shown(server), "sockets": count}
                for server, count in zip(servers, sockets, strict=True)
            ],
            "workers": [_shown(worker) for worker in workers],
            "channels": channels,
            "groups": groups,
        }

    def _find_names(self) -> Plan[None]:
        """Plan: find the names of all queues, but for single-reader ones, which live for one
        request, and the keys that hold members of groups."""
        pattern = escape_glob(self._keyspace.prefix) + "{*"
        names: set[str] = set()
        members: dict[str, list[tuple[int, bytes]]] = {}
        for host in range(self._keyspace.host_count):
            for key in (yield from self._statistics.scan(host, pattern)):
                kind, _, name = key.decode().rpartition("}:")[2].partition(":")
                if kind in MARKERS and "?" not in name:
                    names.add(name)
                elif kind == "in":
                    members.setdefault(name.rpartition(":")[2], []).append((host, key))
        self._names, self._members, self._names_at_s = names, members, time.monotonic()

    def _count_members(self) -> Plan[list[dict[str, Any]]]:
        """Plan: the groups that have members, as dicts of name and size."""
        places = [
            (group, *place) for group in sorted(self._members) for place in self._members[group]
        ]
        sizes: collections.Counter[str] = collections.Counter()
        for part in in_parts(places):
            replies = yield [Request(host, ("ZCARD", key)) for _, host, key in part]
            for (group, _, _), reply in zip(part, replies, strict=True):
                sizes[group] += check(reply)
        return [{"name": group, "size": size} for group, size in sizes.items() if size]

    def _channel(self, name: str) -> Plan[dict[str, Any]]:
        keys = self._keyspace.queue(name)
        statistics = yield from self._statistics.channel(name)
        totals: collections.Counter[str] = collections.Counter()
        for host in self._keyspace.hosts_of([keys]):
            replies = yield [
                Request(host, ("ZCARD", keys.later)),
                Request(host, ("XLEN", keys.dead)),
                Request(host, ("XLEN", keys.stream)),
                Request(host, ("LLEN", keys.queue)),
            ]
            delayed, dead, in_stream, tokens = map(check, replies)
            totals["delayed"] += delayed
            totals["dead_letters"] += dead
            totals["owned"] += max(in_stream - tokens, 0) if in_stream else 0
        return {
            "name": name,
            **statistics,
            **{key: totals[key] for key in ("delayed", "dead_letters", "owned")},
        }

    def _count_sockets(self, servers: Sequence[dict[str, Any]]) -> Plan[list[int]]:
        """Plan: how many sockets each of these servers has open."""
        requests = [
            Request(
                self._keyspace.host_of(server["id"]),
                ("HLEN", self._keyspace.server(server["id"], "sockets")),
            )
            for server in servers
        ]
        replies = (yield requests) if requests else []
        return [check(reply) for reply in replies]


def _shown(process: dict[str, Any]) -> dict[str, Any]:
    facts = {key: process[key] for key in SHOWN if key in process}
    return {"id": process["id"], "seen_s": process["seen_s"], **facts}
