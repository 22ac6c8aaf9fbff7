"""What is configured for queues: where each lies, how much it holds, and how long messages live."""

import copy
from collections.abc import Callable, Sequence

from channels.layers import names
from channels.layers.codec import Codec
from channels.layers.drops import Drops
from channels.layers.redis.keys import Keyspace, QueueKeys
from channels.layers.redis.transport.plans import Plan, Request
from channels.metrics import hooks

#: Queue keys outlive their messages by this long, so that a late reader still counts what expired.
QUEUE_TTL_MARGIN_S = 86_400
#: Reply and body queues have one reader, which is gone for good if it is away for this long.
PRIVATE_QUEUE_TTL_MARGIN_S = 10
#: Counts that nobody adds to are forgotten after this long; as in transport/prelude.lua.
COUNTS_TTL_MS = 7 * 86_400_000


class Rules:
    """What every plan needs to know.

    Args:
        keyspace, codec, drops: of the layer.
        get_capacity, get_expiry: of BaseChannelLayer, by the name of a channel.
        pick_host: returns the first of some hosts that is not known to be away.
    """

    def __init__(
        self,
        keyspace: Keyspace,
        codec: Codec,
        drops: Drops,
        *,
        get_capacity: Callable[[str], int],
        get_expiry: Callable[[str], float],
        pick_host: Callable[[Sequence[int]], int],
    ) -> None:
        self.keyspace, self.codec, self.drops = keyspace, codec, drops
        self.get_capacity, self.get_expiry = get_capacity, get_expiry
        self._pick_host = pick_host
        self._get_home: Callable[[], str] | None = None

    def at_home(self, get_home: Callable[[], str]) -> "Rules":
        """The same for an interface server, whose id is `get_home()`: what it sends to plain
        channels goes to the host that has its replies and the state of its sockets, so that who
        takes a message does all that it wants on one host.
        """
        rules = copy.copy(self)
        rules._get_home = get_home
        return rules

    def fixed_host(self, keys: QueueKeys) -> int | None:
        """The host that a queue lies on; None for plain channels, if there are several hosts: they
        can do without theirs, as their readers look on all of them."""
        if self.keyspace.host_count == 1:
            return 0
        return None if keys.is_plain else keys.host

    def host_for(self, keys: QueueKeys) -> int:
        """The host that a queue's next message goes to."""
        if self._get_home is None or self.fixed_host(keys) is not None:
            return self.common_host_for(keys)
        return self._pick_host(self.keyspace.ranking(self._get_home()))

    def common_host_for(self, keys: QueueKeys) -> int:
        """The same, whoever sends it."""
        host = self.fixed_host(keys)
        return self._pick_host(self.keyspace.ranking(keys.tag)) if host is None else host

    def lives_ms(self, keys: QueueKeys) -> tuple[int, int]:
        """(expiry of a message, time to live of the queue key), both in ms."""
        expiry_s = self.get_expiry(keys.name)
        margin_s = QUEUE_TTL_MARGIN_S if keys.is_plain else PRIVATE_QUEUE_TTL_MARGIN_S
        return int(expiry_s * 1000), int((expiry_s + margin_s) * 1000)

    # -- messages that were lost ----------------------------------------------------------------

    def count_requests(
        self, channel: str, reason: str, count: int, host: int | None = None
    ) -> list[Request]:
        """Requests that count messages of a channel that were lost for a reason. What is counted of
        single-reader channels is not kept: they live for one request."""
        hooks.meter.messages_lost(channel, reason, count)
        keys = self.keyspace.queue(channel)
        if keys.is_single_reader:
            return []
        host = keys.host if host is None else host
        return [
            Request(host, ("HINCRBY", keys.counts, reason, count)),
            Request(host, ("PEXPIRE", keys.counts, COUNTS_TTL_MS)),
        ]

    def tell_expired(self, channel: str, count: int) -> None:
        """Log that messages have expired."""
        name = names.queue_name(channel)
        self.drops.warn(
            name,
            "expired",
            count,
            "%d message(s) on %s expired unread (they live %s s): add workers, or raise its expiry",
            count,
            name,
            self.get_expiry(name),
        )

    def note_expired(self, keys: QueueKeys, host: int, count: int) -> Plan[None]:
        """Plan: tell of messages that have expired, and count them."""
        self.tell_expired(keys.name, count)
        yield self.count_requests(keys.name, "expired", count, host)

    def note_undecodable(self, keys: QueueKeys, host: int, error: Exception) -> Plan[None]:
        """Plan: tell of a message that can't be read, and count it."""
        text = "a message on %s was dropped: it can't be read: %s"
        self.drops.error(keys.name, "undecodable", 1, text, keys.name, error)
        yield self.count_requests(keys.name, "undecodable", 1, host)
