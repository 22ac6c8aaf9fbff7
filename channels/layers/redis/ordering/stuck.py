"""The plan that brings on ordered sockets whose next frame has vanished with a worker.

A frame that Redis has handed to a worker which was killed, stands still or lost its connection
before the frame's turn began is nowhere any more. Its server still has it, and sends it once more.
Should the worker come back with the first copy, that is stale: each number runs once (see
begin.lua).
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from channels.exceptions import LayerUnavailable
from channels.layers.names import WEBSOCKET_SEND, reply_channel_name
from channels.layers.redis.ordering.scripts import NEXT_ORDERS
from channels.layers.redis.ordering.sockets import KNOWN_FOR_S
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.lane import Key, SentFrames
from channels.layers.redis.transport.plans import Plan, Request, in_parts
from channels.layers.redis.transport.wire import check, raise_if_all_are_away

CHANNEL = "websocket.receive"
#: A frame is sent again when, for so long, its socket was seen to wait for it. By then no thread
#: takes its turn for known any more: whoever has a copy asks, and one of them runs.
STUCK_FOR_S = KNOWN_FOR_S + 0.5
#: Who has not looked for this long can't tell: Redis was away, and workers are coming back.
LONGEST_LOOK_S = 2.5
#: A frame that is older than the oldest one that is queued, but not by so much, may be queued too.
QUEUED_WITHIN_S = 1.0
#: So many sockets are looked at in one go.
MOST_AT_ONCE = 2_000
#: A copy is marked as one that may have been seen before: it never runs without asking.
COPY_ATTEMPTS = 1


class Look(NamedTuple):
    """What the guardian has seen of a server's ordered sockets: the clients in whose sockets a
    message runs, those that have parked messages, and the time of Redis in ms."""

    running: frozenset[str]
    waiting: frozenset[str]
    now_ms: float


class Stuck:
    """Finds the sockets of one interface server whose next frame does not come."""

    def __init__(self, rules: Rules, sent: SentFrames) -> None:
        self._rules, self._sent = rules, sent
        self._keys = rules.keyspace.queue(CHANNEL)
        #: The latest frame of each socket that is quiet, until it is known to have been consumed.
        self._quiet: dict[str, int] = {}
        #: Since when sockets were seen to wait for a frame.
        self._since: dict[Key, float] = {}
        self._unordered: set[str] = set()
        self._looked_at_s = float("-inf")

    @property
    def is_busy(self) -> bool:
        """Whether some socket seems to wait in vain."""
        return bool(self._since)

    def bring_on(
        self, server_id: str, open_clients: Collection[str], look: Look, now_s: float
    ) -> Plan[int]:
        """Plan: send again what has vanished of these open sockets; returns how many frames."""
        if now_s - self._looked_at_s > LONGEST_LOOK_S:
            self._since.clear()
        self._quiet.update(self._sent.take_quiet(now_s))
        clients = self._choose(open_clients, look)
        if not clients:
            self._since.clear()
            self._looked_at_s = now_s
            return 0
        self._since = yield from self._find_stuck(server_id, clients, look, now_s)
        self._looked_at_s = now_s
        due = {key for key, since_s in self._since.items() if now_s - since_s >= STUCK_FOR_S}
        if not due:
            return 0
        return (yield from self._send_again(due, look, now_s))

    def _choose(self, open_clients: Collection[str], look: Look) -> list[str]:
        """The sockets to look at more closely."""
        if len(self._unordered) > 2 * len(open_clients):
            self._unordered.intersection_update(open_clients)
        for client in [c for c in self._quiet if c not in open_clients or c in self._unordered]:
            del self._quiet[client]
        asked = dict.fromkeys((*look.waiting, *(client for client, _ in self._since), *self._quiet))
        found = [client for client in asked if client in open_clients]
        return [client for client in found if client not in look.running][:MOST_AT_ONCE]

    def _find_stuck(
        self, server_id: str, clients: list[str], look: Look, now_s: float
    ) -> Plan[dict[Key, float]]:
        """Plan: the frames that these sockets wait for, and since when they were seen to."""
        stuck: dict[Key, float] = {}
        keyspace = self._rules.keyspace
        host = keyspace.host_of(server_id)
        head = keyspace.client(reply_channel_name(WEBSOCKET_SEND, server_id, ""), "order")
        for some in in_parts(clients):
            call = NEXT_ORDERS.call([head + client for client in some], [])
            (orders,) = yield [Request(host, call)]
            for client, reply in zip(some, check(orders), strict=True):
                order = self._read_next(client, reply, is_waiting=client in look.waiting)
                if order is not None:
                    stuck[client, order] = self._since.get((client, order), now_s)
        return stuck

    def _read_next(self, client: str, next_order: bytes | None, *, is_waiting: bool) -> int | None:
        """The number of the frame that a socket waits for; None if it waits for nothing.

        `next_order`: see next_orders.lua.
        """
        last = self._quiet.get(client, 0)
        if next_order is None:
            self._unordered.add(client)
        order = int(next_order or 0)
        if not next_order or order > last:
            self._quiet.pop(client, None)
        # Of a first frame it is not known yet whether its consumer is ordered as that of the
        # connect is, unless others are parked.
        is_due = is_waiting or 1 < order <= last
        return order if next_order and is_due else None

    def _send_again(self, due: Collection[Key], look: Look, now_s: float) -> Plan[int]:
        """Plan: put frames in front of their channel, unless they are still there; returns how
        many."""
        head_age_s = yield from self._find_head_age_s(look)
        requests: list[Request] = []
        for key, (payload, sent_at_s) in self._sent.find(due).items():
            age_s = now_s - sent_at_s
            if head_age_s is None or age_s > head_age_s + QUEUED_WITHIN_S:
                requests += self._copy_requests(payload, age_s)
                self._since[key] = now_s
        if requests:
            self._rules.drops.warn(
                CHANNEL,
                "sent again",
                len(requests),
                "%d frame(s) had vanished with a worker that was killed, stands still or lost its "
                "connection: they are sent again, and each runs once",
                len(requests),
            )
            for reply in (yield requests):
                check(reply)
        return len(requests)

    def _find_head_age_s(self, look: Look) -> Plan[float | None]:
        """Plan: for how long the oldest of the frames that are queued has waited; None if there is
        none. What lies on a host that is away is nowhere for now."""
        hosts = self._rules.keyspace.hosts_of([self._keys])
        replies = yield [Request(host, ("LINDEX", self._keys.queue, 0)) for host in hosts]
        raise_if_all_are_away(replies)
        heads = [check(head) for head in replies if not isinstance(head, LayerUnavailable)]
        heads = [head for head in heads if head]
        heads = [head for head in heads if envelopes.kind_of(head) != envelopes.WAKE]
        life_ms = self._rules.get_expiry(CHANNEL) * 1000
        ages = [(look.now_ms + life_ms - envelopes.expires_ms(head)) / 1000 for head in heads]
        return max(ages, default=None)

    def _copy_requests(self, payload: bytes, age_s: float) -> Iterable[Request]:
        """The Request that puts a frame in front of its channel, unless it has expired."""
        expiry_ms, ttl_ms = self._rules.lives_ms(self._keys)
        left_ms = expiry_ms - int(age_s * 1000)
        if left_ms > 0:
            payload = self._renew(payload)
            args = [left_ms, ttl_ms, COPY_ATTEMPTS, envelopes.PLAIN, payload, "LPUSH"]
            call = scripts.PUT_BACK.call([self._keys.queue], args)
            yield Request(self._rules.host_for(self._keys), call)

    def _renew(self, payload: bytes) -> bytes:
        """The same message; if it is encrypted, as another one, which is no replay of the first."""
        codec = self._rules.codec
        if codec.seal is None:
            return payload
        return codec.pack_message(codec.unpack_message(payload, CHANNEL), CHANNEL, is_ours=True)
