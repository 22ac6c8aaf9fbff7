"""The plans for statistics and flush."""

from collections.abc import Sequence
from typing import Any

from channels.layers import names
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Plan, Request
from channels.layers.redis.transport.wire import check, pairs

#: Names of the counts in Redis -> those of `channel_statistics`.
COUNTS = {
    "sent": "messages_count",
    "full": "channel_full_count",
    "expired": "expired_count",
    "dropped": "dropped_count",
    "lost": "lost_count",
    "doubtful": "doubtful_count",
    "undecodable": "undecodable_count",
    "dead": "dead_letter_count",
}


class Statistics:
    """Plans that count what is there and what was lost."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._keyspace = rules.keyspace

    def channel(self, channel: str) -> Plan[dict[str, Any]]:
        """Plan: the statistics of one channel's queue."""
        keys = self._keyspace.queue(names.check_channel_name(channel))
        hosts = self._keyspace.hosts_of([keys])
        replies = yield [
            Request(host, command)
            for host in hosts
            for command in (
                ("HGETALL", keys.counts),
                ("LLEN", keys.queue),
                ("LINDEX", keys.queue, 0),
                ("LINDEX", keys.queue, 1),
                ("TIME",),
            )
        ]
        parts = [
            self._read(keys.name, *map(check, replies[i : i + 5]))
            for i in range(0, len(replies), 5)
        ]
        return _sum(parts)

    def _read(
        self,
        name: str,
        counts: Any,
        length: int,
        head: bytes | None,
        second: bytes | None,
        time: Sequence[Any],
    ) -> dict[str, Any]:
        if envelopes.kind_of(head) == envelopes.WAKE:
            length, head = length - 1, second
        counts = _as_dict(counts)
        now_ms = int(time[0]) * 1000 + int(time[1]) // 1000
        result: dict[str, Any] = {
            public: int(counts.get(key.encode(), 0)) for key, public in COUNTS.items()
        }
        since_ms = float(counts.get(b"since", now_ms))
        alive_s = max((now_ms - since_ms) / 1000, 1.0)
        result["messages_count_per_second"] = result["messages_count"] / alive_s
        result["messages_pending"] = length
        result["messages_max_age"] = 0.0
        if head:
            left_ms = envelopes.expires_ms(head) - now_ms
            result["messages_max_age"] = max(0.0, self._rules.get_expiry(name) - left_ms / 1000)
        return result

    def everything(self) -> Plan[dict[str, Any]]:
        """Plan: the statistics of all channels, summed."""
        marker = "}:n:"
        total = []
        for name in sorted((yield from self.scan_names(marker))):
            total.append((yield from self.channel(name)))
        return _sum(total)

    def scan_names(self, marker: str) -> Plan[set[str]]:
        """Plan: the names of the queues that have a key of one kind."""
        found: set[str] = set()
        pattern = f"{escape_glob(self._keyspace.prefix)}{{*{marker}*"
        for host in range(self._keyspace.host_count):
            for key in (yield from self.scan(host, pattern)):
                found.add(key.decode().partition(marker)[2])
        return found

    def scan(self, host: int, pattern: str) -> Plan[list[bytes]]:
        """Plan: the keys on a host that match a pattern."""
        cursor = b"0"
        keys: list[bytes] = []
        while True:
            (reply,) = yield [Request(host, ("SCAN", cursor, "MATCH", pattern, "COUNT", 1000))]
            cursor, page = check(reply)
            keys += page
            if int(cursor) == 0:
                return keys

    def flush(self) -> Plan[None]:
        """Plan: delete every key below the prefix."""
        for host in range(self._keyspace.host_count):
            keys = yield from self.scan(host, escape_glob(self._keyspace.prefix) + "{*")
            for first in range(0, len(keys), 500):
                yield [Request(host, ("UNLINK", *keys[first : first + 500]))]


def escape_glob(text: str) -> str:
    """Return `text` as a pattern that matches only itself."""
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in text)


def _as_dict(reply: Any) -> dict[bytes, Any]:
    return dict(pairs(reply))


def _sum(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = dict.fromkeys([*COUNTS.values(), "messages_pending"], 0)
    total |= {"messages_count_per_second": 0.0, "messages_max_age": 0.0}
    for part in parts:
        for key, value in part.items():
            total[key] = max(total[key], value) if key == "messages_max_age" else total[key] + value
    return total
