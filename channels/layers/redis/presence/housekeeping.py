"""The plans by which workers look after the layer: delayed messages, dead processes."""

from collections.abc import Iterable, Mapping
from typing import Any

from channels.layers.redis.acknowledged.channels import Acknowledged
from channels.layers.redis.presence.presence import Presence, Watch
from channels.layers.redis.presence.registry import Registry
from channels.layers.redis.queues.delays import Delays, read_promoted
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Plan, check, read_nothing

#: A worker renews its entry in the registry, and looks for dead processes, this often.
REGISTER_EVERY_S = 5.0


class Housekeeping:
    """Plans that a worker process runs every one or two seconds."""

    def __init__(
        self,
        rules: Rules,
        delays: Delays,
        acknowledged: Acknowledged,
        presence: Presence,
        registry: Registry,
    ) -> None:
        self._delays, self._acknowledged = delays, acknowledged
        self._registry = registry
        self._keyspace = rules.keyspace
        self._presence = presence
        self._watch = Watch()
        self._next_round_s = 0.0

    def keep(
        self, worker_id: str, facts: Mapping[str, Any], channels: Iterable[str], now_s: float
    ) -> Plan[dict[str, int]]:
        """Plan: make delayed messages that are due receivable; from time to time, the larger round.

        Returns the ids of servers that were cleaned up after, with the number of their sockets.
        """
        keys = [self._keyspace.queue(name) for name in sorted(channels)]
        replies = yield self._delays.promote_requests(keys, tuple(range(self._keyspace.host_count)))
        read_promoted(replies)
        yield from self._acknowledged.renew()
        if now_s < self._next_round_s:
            return {}
        self._next_round_s = now_s + REGISTER_EVERY_S
        dead_servers = yield from self._register(worker_id, facts)
        if not self._watch.note(now_s):
            return {}
        yield from self._acknowledged.keep(channels)
        return (yield from self._bury(dead_servers))

    def _register(self, worker_id: str, facts: Mapping[str, Any]) -> Plan[list[str]]:
        """Plan: show that the worker lives, and forget dead ones; returns ids of dead servers."""
        dead_workers, dead_servers = yield [
            self._registry.enter_request("workers", worker_id, facts),
            self._registry.dead_request("servers"),
        ]
        for name in check(dead_workers):
            read_nothing((yield self._registry.leave_requests("workers", name)))
        return (yield from self._registry.read_ids("servers", check(dead_servers)))

    def _bury(self, server_ids: Iterable[str]) -> Plan[dict[str, int]]:
        buried: dict[str, int] = {}
        for server_id in server_ids:
            count = yield from self._presence.bury(server_id)
            if count is not None:
                buried[server_id] = count
                self._next_round_s = 0.0  # there may be more to do
        return buried

    def leave(self, worker_id: str) -> Plan[None]:
        """Plan: take the worker out of the registry."""
        read_nothing((yield self._registry.leave_requests("workers", worker_id)))
