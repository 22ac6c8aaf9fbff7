"""What may be lost, or run twice, when Redis has lost its last moments: told, and counted.

It was killed with its machine under `appendfsync everysec`, or a replica took over that lagged
behind. A server notices, as Redis knows less of its frames than it did (see transport/lane.py), and
leaves a mark. Each worker remembers what it has sent and taken of late; after its connections broke
it looks for the mark, and counts. So does each other server, and closes sockets: it may have sent
nothing in these moments, but what it had sent before was taken in them, and comes again.
"""

import collections
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import SENT, TAKEN, Traffic
from channels.layers.redis.transport.plans import Plan, Request
from channels.layers.redis.transport.wire import check

#: The mark of one loss lives for this long; so long, too, others that are noticed are the same one.
MARK_TTL_MS = 10_000
#: After connections broke, it is looked for the mark for this long.
LOOKED_FOR_S = 8.0
#: Nothing that was sent or taken this long after the loss was noticed is in doubt.
MARGIN_S = 0.1


class LossMark(NamedTuple):
    """A mark: its name, for how long before it was left things are in doubt, how old it is, and the
    number of the host that has lost something."""

    name: bytes
    span_s: float
    age_s: float
    host: int

    @property
    def since_s(self) -> float:
        """So long ago began what is in doubt ..."""
        return self.age_s + self.span_s

    @property
    def until_s(self) -> float:
        """... and so long ago it ended."""
        return self.age_s - MARGIN_S


class Rollbacks:
    """Plans about the last moments that Redis has lost. Whoever looks for marks has its own."""

    def __init__(
        self, rules: Rules, traffic: Traffic, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rules, self._traffic, self._clock = rules, traffic, clock
        self._key = rules.keyspace.registry("rollback")
        self._host = rules.keyspace.host_of("registry")
        self._seen: set[bytes] = set()

    def mark(self, span_s: float, host: int = 0) -> Plan[None]:
        """Plan: tell all workers and servers that what happened on a host in the last `span_s` may
        be lost."""
        (time_,) = yield [Request(self._host, ("TIME",))]
        name = secrets.token_hex(4)
        text = f"{name} {_read_ms(check(time_)):.0f} {span_s * 1000:.0f} {host}"
        self._seen.add(name.encode())
        yield [Request(self._host, ("SET", self._key, text, "NX", "PX", MARK_TTL_MS))]

    def is_due(self, lost_at_s: float) -> bool:
        """Whether it is time to look for a mark: the latest connection broke at `lost_at_s`."""
        return self._clock() - lost_at_s <= LOOKED_FOR_S

    def find(self, lost_at_s: float) -> Plan[LossMark | None]:
        """Plan: the mark that somebody else has left, if it is a new one; looks for it only soon
        after connections broke, which was at `lost_at_s`."""
        if not self.is_due(lost_at_s):
            return None
        time_, text = yield [
            Request(self._host, ("TIME",)),
            Request(self._host, ("GET", self._key)),
        ]
        loss = _read_loss(check(text), _read_ms(check(time_)))
        if loss is None or loss.name in self._seen:
            return None
        self._seen.add(loss.name)
        return loss

    def look(self, lost_at_s: float) -> Plan[int]:
        """Plan: count what is in doubt, if `find` finds a mark. Returns how many messages that
        are."""
        loss = yield from self.find(lost_at_s)
        if loss is None:
            return 0
        now_s = self._clock()
        return (yield from self._count(now_s - loss.since_s, now_s - loss.until_s))

    def _count(self, since_s: float, until_s: float) -> Plan[int]:
        sent, taken = (self._traffic.between(what, since_s, until_s) for what in (SENT, TAKEN))
        if not sent and not taken:
            return 0
        doubtful = sent + taken
        self._rules.drops.error(
            "redis",
            "in doubt",
            sum(doubtful.values()),
            "Redis has lost its last moments: of the messages that this process sent then, %d may "
            "be lost (%s); of those that it took, %d may run twice (%s)",
            sum(sent.values()),
            _list(sent),
            sum(taken.values()),
            _list(taken),
        )
        for channel, count in doubtful.items():
            yield self._rules.count_requests(channel, "doubtful", count)
        return sum(doubtful.values())


def _read_ms(time_: list[bytes]) -> float:
    return int(time_[0]) * 1000 + int(time_[1]) / 1000


def _read_loss(text: bytes | None, now_ms: float) -> LossMark | None:
    """What a mark says; None if there is none, or it is not one of ours."""
    try:
        name, at_ms, span_ms, host = (text or b"").split()
        age_s = max(now_ms - int(at_ms), 0.0) / 1000
        return LossMark(name, int(span_ms) / 1000, age_s, int(host))
    except ValueError:
        return None


def _list(counts: "collections.Counter[str]") -> str:
    return ", ".join(f"{channel}: {count}" for channel, count in counts.most_common(5)) or "none"
