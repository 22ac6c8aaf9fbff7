"""The plan for `status`: who lives, what waits, how old it is, and what was lost."""

import collections

from channels.layers.redis.inspection.statistics import escape_glob
from channels.layers.redis.transport.plans import Request, check

#: Parts of the names of the keys that a queue may have.
MARKERS = ("q", "n", "later", "dead", "s")
#: What of a process the status shows, if it is known.
SHOWN = ("host", "pid", "version", "started", "channels", "threads", "running")


class Status:
    """Plans the look at everything. It reads the names of all keys: not for every second."""

    def __init__(self, core, registry, statistics):
        self._core = core
        self._keyspace = core.keyspace
        self._registry, self._statistics = registry, statistics

    def everything(self):
        """Plan: the dict that BaseChannelLayer.status returns."""
        servers = yield from self._registry.processes("servers")
        workers = yield from self._registry.processes("workers")
        channels = []
        for name in sorted((yield from self._names())):
            channels.append((yield from self._channel(name)))
        sockets = yield from self._count_sockets(servers)
        return {
            "servers": [
                {**_shown(server), "sockets": count}
                for server, count in zip(servers, sockets, strict=True)
            ],
            "workers": [_shown(worker) for worker in workers],
            "channels": channels,
        }

    def _names(self):
        """Plan: the names of all queues, but for single-reader ones, which live for one request."""
        pattern = escape_glob(self._keyspace.prefix) + "{*"
        names = set()
        for host in range(self._keyspace.host_count):
            for key in (yield from self._statistics.scan(host, pattern)):
                kind, _, name = key.decode().rpartition("}:")[2].partition(":")
                if kind in MARKERS and "?" not in name:
                    names.add(name)
        return names

    def _channel(self, name):
        keys = self._keyspace.queue(name)
        statistics = yield from self._statistics.channel(name)
        totals = collections.Counter()
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

    def _count_sockets(self, servers):
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


def _shown(process):
    facts = {key: process[key] for key in SHOWN if key in process}
    return {"id": process["id"], "seen_s": process["seen_s"], **facts}
