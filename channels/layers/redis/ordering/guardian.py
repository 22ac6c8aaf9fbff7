"""The plans that bring on ordered sockets whose worker died, or whose next message was lost.

Each interface server looks after its own sockets every few seconds. Nobody has to look at sockets
that are well: what runs, and who has parked messages, is noted by the scripts (see
part_order.lua).
"""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias

from channels.layers import operations as ops
from channels.layers.names import WEBSOCKET_SEND, reply_channel_name
from channels.layers.redis.keys import SOCKET_STATE_TTL_MS
from channels.layers.redis.ordering import scripts
from channels.layers.redis.ordering.sockets import Sockets
from channels.layers.redis.ordering.stuck import Look
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues.receiving import Returns
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport.plans import Plan, Request
from channels.layers.redis.transport.wire import check

#: A worker is dead when it was not seen to live for this long: after an outage nobody has given a
#: sign of life yet.
SUSPECT_S = 9.0
#: A worker whose connection to Redis has gone was killed; unless, within this long, it is seen with
#: another one: it shows every 2 s which one it holds. (See presence/lifeline.py.)
LOST_FOR_S = 3.0
#: Who has not looked for this long can't tell: Redis was away, and workers are coming back.
LONGEST_LOOK_S = 2.5
#: A socket whose next message is neither parked nor running for this long is given up, ...
PATIENCE_MS = 31_000
#: ... unless the message may still be queued: if a queue's first message was sent at most this
#: long after the socket began to wait. A retried one is queued anew after up to 5 s.
QUEUED_WITHIN_MS = 10_000
#: One that has been waiting for this long may wait for a frame that has vanished: see stuck.py.
WAITS_MS = 500
#: How many sockets are brought on in one round.
MOST_AT_ONCE = 1_000
#: The channels that the messages of sockets come on.
CHANNELS = ("websocket.connect", "websocket.receive", "websocket.disconnect")


#: A client, and what runs in its socket or since when it waits.
Pair: TypeAlias = tuple[str, str]


class WorkersRegistry(Protocol):
    """What knows which workers live."""

    def living_request(self, kind: str) -> Request: ...

    def find_lost(self, ids: Collection[str]) -> Plan[dict[str, int]]: ...


class Guardian:
    """Looks after the ordered sockets of one interface server."""

    def __init__(
        self, rules: Rules, returns: Returns, sockets: Sockets, registry: WorkersRegistry
    ) -> None:
        self._rules, self._returns = rules, returns
        self._sockets = sockets
        self._registry = registry
        self._keyspace = rules.keyspace
        self._suspects: dict[Pair, float] = {}
        #: What ran at the last look, and when that was.
        self._ran: set[Pair] = set()
        self._looked_at_s = float("-inf")
        self.last_look = Look(frozenset(), frozenset(), 0.0)
        #: Workers whose connection has gone, and the number it had -> since when, in our clock.
        self._lost: dict[tuple[str, int], float] = {}

    def look_after(self, server_id: str, now_s: float) -> Plan[list[str]]:
        """Plan: bring on the sockets that need it. Returns those that were given up, which are to
        be closed with 1011, as a list of clients."""
        running, waiting, now_ms = yield from self._look(server_id, min(WAITS_MS, PATIENCE_MS))
        self.last_look = Look(_clients(running), _clients(waiting), now_ms)
        waiting = [item for item in waiting if now_ms - float(item[1]) >= PATIENCE_MS]
        dead = yield from self._find_dead(running)
        self._suspects = {item: self._suspects.get(item, now_s) for item in dead}
        for client, entry in dead:
            if now_s - self._suspects[client, entry] >= SUSPECT_S:
                yield from self._end_for(server_id, client, entry)
        for client, entry in (yield from self._find_killed(running, now_s)):
            yield from self._end_for(server_id, client, entry)
        if not waiting:
            return []
        oldest_ms = yield from self._find_oldest_queued()
        closed = []
        for client, since in waiting:
            may_be_queued = oldest_ms is not None and oldest_ms <= float(since) + QUEUED_WITHIN_MS
            if not may_be_queued and (yield from self._mend(server_id, client, since)):
                closed.append(client)
        return closed

    def end_sockets(self, server_id: str) -> Plan[bool]:
        """Plan: after the server's own death, end what dead workers ran in its sockets, and bring
        on those that wait. Returns whether nothing is left to look after."""
        running, waiting, _ = yield from self._look(server_id, 0)
        dead = yield from self._find_dead(running)
        going_on = {client for client, _ in running} - {client for client, _ in dead}
        for client, entry in dead:
            if (yield from self._end_for(server_id, client, entry)):
                going_on.add(client)
        for client, since in waiting:
            if client not in going_on:
                yield from self._mend(server_id, client, since)
        return not going_on and len(waiting) < MOST_AT_ONCE

    def give_up(self, server_id: str, client: str) -> Plan[None]:
        """Plan: give a socket up whatever it waits for, so that its disconnect may run at once;
        nothing happens to one that is not ordered."""
        yield from self._mend(server_id, client, "")

    def find_next_order(self, server_id: str, client: str) -> Plan[int]:
        """Plan: the order of a socket's next message: after the one that runs, if any does."""
        place = self._sockets.place_of(_channel(server_id, client))
        order, running, _ = place.order_keys
        replies = yield [
            Request(place.host, ("HGET", order, "next")),
            Request(place.host, ("HGET", running, client)),
        ]
        next_order, entry = map(check, replies)
        if entry:
            return int(_split_entry(entry.decode())[1]) + 1
        return int(next_order or 1)

    def find_at_work(self, server_id: str) -> Plan[tuple[list[str], float]]:
        """Plan: the clients in whose sockets a message runs or is parked, as far as Redis knows,
        and for how many seconds, at most, the oldest message of any socket has been queued."""
        running, waiting, now_ms = yield from self._look(server_id, 0)
        oldest_ms = yield from self._find_oldest_queued()
        # Both are cut to whole ms, so that it may have been up to one longer.
        waited_s = 0.0 if oldest_ms is None else (max(now_ms - oldest_ms, 0.0) + 1.0) / 1000
        return list(_clients(running) | _clients(waiting)), waited_s

    # -- looking ------------------------------------------------------------------------------

    def _look(self, server_id: str, age_ms: int) -> Plan[tuple[list[Pair], list[Pair], float]]:
        """Plan: what runs, as (client, entry) pairs, who has waited for that long, as (client,
        since when), and the time of Redis in ms."""
        keys = [self._keyspace.server(server_id, kind) for kind in ("running", "waiting")]
        call = scripts.LOOK.call(keys, [age_ms, MOST_AT_ONCE, SOCKET_STATE_TTL_MS])
        (reply,) = yield [Request(self._keyspace.host_of(server_id), call)]
        running, waiting, now_ms = check(reply)
        return _pairs(running), _pairs(waiting), float(now_ms)

    def _find_dead(self, running: list[Pair]) -> Plan[list[Pair]]:
        """Plan: those of `running` whose worker shows no sign of life."""
        if not running:
            return []
        (reply,) = yield [self._registry.living_request("workers")]
        living = {name.decode(errors="backslashreplace") for name in check(reply)[::2]}
        return [item for item in running if _split_entry(item[1])[0] not in living]

    def _find_killed(self, running: list[Pair], now_s: float) -> Plan[list[Pair]]:
        """Plan: those of `running` whose worker was killed: its connection has gone. Only what ran
        at the last look, too, is looked at more closely."""
        again = [item for item in running if item in self._ran]
        has_paused = now_s - self._looked_at_s > LONGEST_LOOK_S
        self._ran, self._looked_at_s = set(running), now_s
        if has_paused:
            self._lost = {}
            return []
        owners = {_split_entry(entry)[0] for _, entry in again}
        found = (yield from self._registry.find_lost(owners)) if owners else {}
        self._lost = {lost: self._lost.get(lost, now_s) for lost in found.items()}
        killed = {owner for (owner, _), at_s in self._lost.items() if now_s - at_s >= LOST_FOR_S}
        return [item for item in again if _split_entry(item[1])[0] in killed]

    def doubt(self) -> None:
        """Connections have broken: workers may be coming back with new ones."""
        self._lost, self._looked_at_s = {}, float("-inf")

    @property
    def is_busy(self) -> bool:
        """Whether something ran at the last look."""
        return bool(self._ran)

    def _find_oldest_queued(self) -> Plan[float | None]:
        """Plan: when the oldest of the messages of sockets that are queued was sent, in ms; None if
        there is none."""
        queues = [self._keyspace.queue(name) for name in CHANNELS]
        places = [(keys, host) for keys in queues for host in self._keyspace.hosts_of(queues)]
        replies = yield [Request(host, ("LINDEX", keys.queue, 0)) for keys, host in places]
        oldest_ms: float | None = None
        for (keys, _), head in zip(places, map(check, replies), strict=True):
            if head and envelopes.kind_of(head) != envelopes.WAKE:
                sent_ms = envelopes.expires_ms(head) - self._rules.get_expiry(keys.name) * 1000
                oldest_ms = sent_ms if oldest_ms is None else min(oldest_ms, sent_ms)
        return oldest_ms

    # -- acting -------------------------------------------------------------------------------

    def _end_for(self, server_id: str, client: str, entry: str) -> Plan[bool]:
        """Plan: end, in its place, what a dead worker ran: the socket goes on. Returns whether a
        message was set free by that."""
        owner, order, channel = _split_entry(entry)
        call = scripts.FINISH.call(
            self._sockets.place_of(_channel(server_id, client)).order_keys,
            [order, client, "dead", entry],
        )
        (reply,) = yield [Request(self._keyspace.host_of(server_id), call)]
        reply = check(reply)
        if not reply:
            return False
        self._rules.drops.warn(
            channel,
            "lost",
            1,
            "worker %s died while it ran message %s of socket %s, from %s: the socket goes on "
            "with the next",
            owner,
            order,
            _channel(server_id, client),
            channel,
        )
        yield self._rules.count_requests(channel, "lost", 1)
        if reply[1]:
            yield from self._hand_out(_channel(server_id, client), reply[1])
        return bool(reply[1])

    def _mend(self, server_id: str, client: str, since: str) -> Plan[bool]:
        """Plan: bring a socket on; returns whether it was given up and is still open."""
        channel = _channel(server_id, client)
        call = scripts.MEND.call(
            self._sockets.place_of(channel).order_keys, [client, since, SOCKET_STATE_TTL_MS]
        )
        (reply,) = yield [Request(self._keyspace.host_of(server_id), call)]
        reply = check(reply)
        if not reply:
            return False
        dropped, waiting, order = reply
        if dropped >= 0 and since:
            self._rules.drops.error(
                "websocket.receive",
                "given up",
                dropped + 1,
                "socket %s is given up: its message %s did not come (its worker died, it expired, "
                "or its consumer is not ordered); %d after it dropped, its disconnect runs",
                channel,
                order.decode(),
                dropped,
            )
        if dropped > 0:
            yield self._rules.count_requests("websocket.receive", "dropped", dropped)
        if waiting:
            yield from self._hand_out(channel, waiting)
        return dropped >= 0 and not waiting

    def _hand_out(self, reply_channel: str, parked: bytes) -> Plan[None]:
        """Plan: put a message whose turn has come in front of its channel."""
        requests, _ = self._returns.put_back_part(
            ops.PutBack(self._sockets.unpark(reply_channel, parked))
        )
        for reply in (yield requests):
            check(reply)


def _channel(server_id: str, client: str) -> str:
    return reply_channel_name(WEBSOCKET_SEND, server_id, client)


def _split_entry(entry: str) -> list[str]:
    """The owner, order and channel of what runs in a socket (see part_order.lua)."""
    return entry.rsplit(" ", 2)


def _clients(pairs: Sequence[Pair]) -> frozenset[str]:
    return frozenset(client for client, _ in pairs)


def _pairs(flat: Sequence[bytes]) -> list[Pair]:
    texts = [item.decode() for item in flat]
    return list(zip(texts[::2], texts[1::2], strict=True))
