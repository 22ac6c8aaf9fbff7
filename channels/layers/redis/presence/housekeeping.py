"""The plans by which workers look after the layer: delayed messages, dead processes."""

import collections
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from channels.layers.redis.acknowledged.channels import Acknowledged
from channels.layers.redis.presence import presence as presence_times
from channels.layers.redis.presence.presence import LONGEST_GAP_S, Presence
from channels.layers.redis.presence.registry import Registry
from channels.layers.redis.presence.rollback import Rollbacks
from channels.layers.redis.queues.delays import Delays, read_promoted
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Plan, Request, T
from channels.layers.redis.transport.wire import check, read_nothing
from channels.layers.watch import CalmWatch
from channels.layers.worker_link import worker_queue

#: A worker renews its entry in the registry, and looks for dead processes, this often.
REGISTER_EVERY_S = 5.0
#: A round that takes longer gives a sign of life so often: who hosts sockets and has given none for
#: 9 s has lost them (see interface_server/owners/watch.py).
SIGN_EVERY_S = 2.0


class Housekeeping:
    """Plans that a worker process runs every one or two seconds."""

    def __init__(
        self,
        rules: Rules,
        delays: Delays,
        acknowledged: Acknowledged,
        *,
        presence: Presence,
        registry: Registry,
        rollbacks: Rollbacks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rollbacks, self._clock = rollbacks, clock
        self._delays, self._acknowledged = delays, acknowledged
        self._registry = registry
        self._rules, self._keyspace = rules, rules.keyspace
        self._presence = presence
        self._watch = CalmWatch(LONGEST_GAP_S)
        self._next_round_s = 0.0
        #: What the registry showed last of this worker's lifeline, and whether it ran something.
        self._shown: tuple[Any, bool] = (None, False)

    def keep(
        self,
        worker_id: str,
        facts: Mapping[str, Any],
        channels: Iterable[str],
        *,
        now_s: float,
        lost_at_s: float,
    ) -> Plan[dict[str, int]]:
        """Plan: make delayed messages that are due receivable; from time to time, the larger round.
        The latest connection to break did so at `lost_at_s`.

        Returns the ids of servers that were cleaned up after, with the number of their sockets.
        """
        keys = [self._keyspace.queue(name) for name in sorted(channels)]
        replies = yield self._delays.promote_requests(keys, tuple(range(self._keyspace.host_count)))
        read_promoted(replies)
        yield from self._acknowledged.renew()
        yield from self._rollbacks.look(lost_at_s)
        # What others need to know if it is killed is shown at once; a worker that hosts sockets is
        # looked after more closely than others.
        is_host = "sockets" in facts
        shown = (facts.get("lifeline"), bool(facts.get("running")))
        if now_s < self._next_round_s and shown == self._shown and not (shown[1] or is_host):
            return {}
        self._next_round_s, self._shown = now_s + REGISTER_EVERY_S, shown
        sign = self._registry.enter_request("workers", worker_id, facts)
        shown_s = self._clock()
        dead_workers, dead_servers = yield from self._register(sign)
        if self._watch.note(now_s) < presence_times.WATCHED_FOR_S:
            return {}
        cleaning_up = self._clean_up(channels, dead_workers, dead_servers)
        return (yield from self._show_life_during(cleaning_up, sign, shown_s))

    def _register(self, sign: Request) -> Plan[tuple[list[str], list[str]]]:
        """Plan: show that the worker lives; returns the ids of dead workers and dead servers."""
        dead_workers, dead_servers = yield [sign, self._registry.dead_request("servers")]
        return (
            (yield from self._registry.read_ids("workers", check(dead_workers))),
            (yield from self._registry.read_ids("servers", check(dead_servers))),
        )

    def _show_life_during(self, plan: Plan[T], sign: Request, shown_s: float) -> Plan[T]:
        """Plan: run another one, which may take long; `sign` shows that the worker lives meanwhile.
        It did so last at `shown_s`."""
        replies = None
        while True:
            try:
                step = plan.send(replies)
            except StopIteration as end:
                result: T = end.value
                return result
            replies = yield step
            if self._clock() - shown_s >= SIGN_EVERY_S:
                shown_s = self._clock()
                yield [sign]  # if the layer is away, the next step says so

    def _clean_up(
        self, channels: Iterable[str], dead_workers: Iterable[str], dead_servers: Iterable[str]
    ) -> Plan[dict[str, int]]:
        """Plan: bury the dead; returns as `keep` does."""
        yield from self._bury_workers(dead_workers)
        yield from self._acknowledged.keep(channels)
        return (yield from self._bury(dead_servers))

    def _bury_workers(self, ids: Iterable[str]) -> Plan[None]:
        """Plan: forget dead workers, and count what they are known to have had in their hands."""
        for name in ids:
            facts = yield from self._registry.take_out("workers", name)
            if facts is None:
                continue  # another worker has done it
            lost = collections.Counter(
                item["channel"] for item in facts.get("running") or () if _is_lost_with(item)
            )
            for channel, count in lost.items():
                if self._acknowledged.has(self._keyspace.queue(channel)):
                    continue  # another worker gets it
                text = "worker %s died while it ran %d message(s) of %s, which are lost"
                self._rules.drops.warn(channel, "lost", count, text, name, count, channel)
                yield self._rules.count_requests(channel, "lost", count)
            yield from self._count_unread(name)

    def _count_unread(self, worker_id: str) -> Plan[None]:
        """Plan: count what waited for the sockets that a dead worker hosted. Those with checkpoints
        have got it again by now, from their servers."""
        keys = self._keyspace.queue(worker_queue(worker_id))
        (count,) = yield [Request(keys.host, ("LLEN", keys.queue))]
        if check(count):
            text = (
                "worker %s died with %d message(s) for its sockets unread: those of sockets with "
                "checkpoints were sent again, the others are lost with their sockets"
            )
            self._rules.drops.warn(keys.name, "lost", count, text, worker_id, count)
            yield self._rules.count_requests(keys.name, "lost", count)

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


def _is_lost_with(item: object) -> bool:
    """Whether what a worker ran is lost with it: what is ordered is counted by who brings its
    socket on (see ordering/guardian.py)."""
    if not isinstance(item, dict) or not isinstance(item.get("channel"), str):
        return False
    return not item.get("is_ordered")
