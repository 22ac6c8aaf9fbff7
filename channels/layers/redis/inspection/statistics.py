"""The plans for statistics and flush."""

from channels.layers import names
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.transport.plans import Request, check

#: Names of the counts in Redis -> those of `channel_statistics`.
COUNTS = {
    "sent": "messages_count",
    "full": "channel_full_count",
    "expired": "expired_count",
    "dropped": "dropped_count",
    "lost": "lost_count",
    "undecodable": "undecodable_count",
    "dead": "dead_letter_count",
}


class Statistics:
    """Plans that count what is there and what was lost."""

    def __init__(self, core):
        self._core = core
        self._keyspace = core.keyspace

    def channel(self, channel):
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

    def _read(self, name, counts, length, head, second, time):
        if envelopes.kind_of(head) == envelopes.WAKE:
            length, head = length - 1, second
        counts = _as_dict(counts)
        now_ms = int(time[0]) * 1000 + int(time[1]) // 1000
        result = {public: int(counts.get(key.encode(), 0)) for key, public in COUNTS.items()}
        since_ms = float(counts.get(b"since", now_ms))
        alive_s = max((now_ms - since_ms) / 1000, 1.0)
        result["messages_count_per_second"] = result["messages_count"] / alive_s
        result["messages_pending"] = length
        result["messages_max_age"] = 0.0
        if head:
            left_ms = envelopes.expires_ms(head) - now_ms
            result["messages_max_age"] = max(0.0, self._core.get_expiry(name) - left_ms / 1000)
        return result

    def everything(self):
        """Plan: the statistics of all channels, summed."""
        marker = "}:n:"
        total = []
        for name in sorted((yield from self.scan_names(marker))):
            total.append((yield from self.channel(name)))
        return _sum(total)

    def scan_names(self, marker):
        """Plan: the names of the queues that have a key of one kind."""
        found = set()
        pattern = f"{escape_glob(self._keyspace.prefix)}{{*{marker}*"
        for host in range(self._keyspace.host_count):
            for key in (yield from self.scan(host, pattern)):
                found.add(key.decode().partition(marker)[2])
        return found

    def scan(self, host, pattern):
        """Plan: the keys on a host that match a pattern."""
        cursor, keys = b"0", []
        while True:
            (reply,) = yield [Request(host, ("SCAN", cursor, "MATCH", pattern, "COUNT", 1000))]
            cursor, page = check(reply)
            keys += page
            if int(cursor) == 0:
                return keys

    def flush(self):
        """Plan: delete every key below the prefix."""
        for host in range(self._keyspace.host_count):
            keys = yield from self.scan(host, escape_glob(self._keyspace.prefix) + "{*")
            for first in range(0, len(keys), 500):
                yield [Request(host, ("UNLINK", *keys[first : first + 500]))]


def escape_glob(text):
    """Return `text` as a pattern that matches only itself."""
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in text)


def _as_dict(reply):
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))


def _sum(parts):
    total = dict.fromkeys([*COUNTS.values(), "messages_pending"], 0)
    total |= {"messages_count_per_second": 0.0, "messages_max_age": 0.0}
    for part in parts:
        for key, value in part.items():
            total[key] = max(total[key], value) if key == "messages_max_age" else total[key] + value
    return total
