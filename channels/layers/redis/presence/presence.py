"""The plans for interface servers: signs of life, sockets, and cleaning up after dead ones."""

import functools
from typing import Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.codec import UndecodableMessage
from channels.layers.names import HTTP_RESPONSE, REPLY_KINDS, WEBSOCKET_SEND, reply_channel_name
from channels.layers.redis.groups.membership import Groups
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.ordering.guardian import Guardian
from channels.layers.redis.ordering.sockets import Sockets
from channels.layers.redis.presence import scripts
from channels.layers.redis.presence.registry import TTL_MS, Registry
from channels.layers.redis.queues.delays import Delays, read_promoted
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import Sending
from channels.layers.redis.transport.plans import Plan, Request, in_parts
from channels.layers.redis.transport.wire import check, pairs, raise_if_all_are_away

#: A server gives a sign of life this often ...
BEAT_EVERY_S = 5.0
#: ... and, while it has sockets, a smaller one in between, more often while frames of them are
#: taken: what Redis has lost is dated by them.
COUNT_EVERY_S, COUNT_OFTEN_S = 1.0, 0.2
#: A process judges who is dead when it has watched the layer for this long without a gap longer
#: than the second figure: after an outage, the others need a moment to show that they live.
WATCHED_FOR_S, LONGEST_GAP_S = 9.0, 12.0
#: A server that is not seen for so long is forgotten, with what it kept in the layer.
KNOWN_TTL_MS = 7 * 86_400_000
#: A disconnect that was made up for another server is known for so long: that one may only be
#: frozen, and send its own when it goes on.
MADE_UP_KEPT_MS = 86_400_000
#: Senders that wait for a server's full queue give up when its last beat is this old.
SILENT_AFTER_MS = 8_000
#: Messages and bytes that a server takes from each of its queues at once.
DRAIN_MESSAGES, DRAIN_BYTES = 500, 4 * 1024 * 1024


class Presence:
    """Plans for what an interface server, identified by `server_id`, keeps in the layer."""

    def __init__(
        self,
        rules: Rules,
        sending: Sending,
        delays: Delays,
        *,
        groups: Groups,
        sockets: Sockets,
        guardian: Guardian,
        registry: Registry,
    ) -> None:
        self._rules, self._sending, self._delays = rules, sending, delays
        self._sockets = sockets
        self._registry = registry
        self._groups = groups
        self._guardian = guardian
        self._keyspace = rules.keyspace

    def queues(self, server_id: str) -> list[QueueKeys]:
        """The QueueKeys of a server's two reply queues."""
        return [
            self._keyspace.queue(reply_channel_name(kind, server_id, "")) for kind in REPLY_KINDS
        ]

    def promote(self, server_id: str) -> Plan[float | None]:
        """Plan: let the server's delayed replies that are due come. Returns seconds until the next
        one is, or None."""
        keys = self.queues(server_id)
        replies = yield self._delays.promote_requests(keys, [keys[0].host])
        raise_if_all_are_away(replies)
        return read_promoted(replies)

    # -- signs of life ------------------------------------------------------------------------

    def beat(
        self, server_id: str, facts: dict[str, Any], number: int, answered: int
    ) -> Plan[tuple[int, list[str]]]:
        """Plan: show that the server lives, for the `number`-th time; `answered` is the number of
        the latest beat that was answered, or 0. Returns (the number of the latest one that the
        layer knew of, or 0, ids of dead servers)."""
        known, dead = yield [
            self._beat_request(server_id, number, answered),
            self._registry.enter_request("servers", server_id, facts),
        ]
        if isinstance(dead, LayerUnavailable):  # the registry may be on another host
            dead = ()
        ids = yield from self._registry.read_ids("servers", check(dead))
        return int(check(known)), ids

    def count(self, server_id: str, number: int, answered: int) -> Plan[int]:
        """Plan: the same, without the registry of servers."""
        (known,) = yield [self._beat_request(server_id, number, answered)]
        return int(check(known))

    def _beat_request(self, server_id: str, number: int, answered: int) -> Request:
        keys = [self._keyspace.server(server_id, kind) for kind in ("alive", "known", "sockets")]
        call = scripts.BEAT.call(keys, [TTL_MS["servers"], KNOWN_TTL_MS, number, answered])
        return Request(self._keyspace.host_of(server_id), call)

    def leave(self, server_id: str) -> Plan[None]:
        """Plan: the server stops; nothing of it stays behind.

        If the disconnects of some of its sockets could not be sent, it stays registered, as dead:
        whoever notices makes up for them. If one of its ordered sockets still has something to run,
        it stays registered too, counts as dead after a while, and then that is made up for.
        """
        keys = self.queues(server_id)
        key = functools.partial(self._keyspace.server, server_id)
        host = keys[0].host
        gone = [key for each in keys for key in (each.queue, each.counts, each.later)]
        gone += map(key, ("alive", "known", "clients"))
        _, sockets, open_turns = yield [
            Request(host, ("DEL", *gone)),
            Request(host, ("HLEN", key("sockets"))),
            Request(host, ("EXISTS", key("running"), key("waiting"))),
        ]
        if check(sockets):
            yield [self._dead_request(server_id)]
        elif not check(open_turns):
            yield self._registry.leave_requests("servers", server_id)

    def _dead_request(self, server_id: str) -> Request:
        """The Request that lets a server count as dead from now on."""
        registry = self._keyspace.registry("servers")
        return Request(self._registry.host, ("ZADD", registry, "XX", 0, server_id))

    def is_silent(self, server_id: str) -> Plan[bool]:
        """Plan: whether a server has shown no sign of life lately."""
        host = self._keyspace.host_of(server_id)
        beat, time = yield [
            Request(host, ("GET", self._keyspace.server(server_id, "alive"))),
            Request(host, ("TIME",)),
        ]
        seconds, micros = check(time)
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        return check(beat) is None or now_ms - float(beat) > SILENT_AFTER_MS

    # -- sockets --------------------------------------------------------------------------------

    def open_socket(
        self, server_id: str, client: str, operation: ops.Send, facts: dict[str, Any]
    ) -> Plan[None]:
        """Plan: record a socket and send its websocket.connect."""
        host = self._keyspace.host_of(server_id)
        sockets = self._keyspace.server(server_id, "sockets")
        packed = self._rules.codec.pack_value(facts, "a socket's record", _place(server_id, client))
        record = [
            Request(host, ("HSET", sockets, client, packed)),
            Request(host, ("PEXPIRE", sockets, KNOWN_TTL_MS)),
        ]
        send = self._sending.request(operation)
        # The record comes first: the consumer may have the socket join a group at once.
        if send.host == host:
            recorded, _, sent = yield [*record, send]
        else:
            recorded, _ = yield record
            (sent,) = [recorded] if isinstance(recorded, Exception) else (yield [send])
        try:
            check(recorded)
            refusal: Exception | None = self._sending.read_sent(operation, sent)
        except LayerUnavailable as error:
            refusal = error
        if refusal is not None:
            yield [Request(host, ("HDEL", sockets, client))]
            raise refusal

    def forget_socket(self, server_id: str, client: str) -> Plan[None]:
        """Plan: take a closed socket out of the server's record and out of its groups; its session
        and order go soon."""
        channel = reply_channel_name(WEBSOCKET_SEND, server_id, client)
        keys = self._keyspace.queue(channel)
        life_ms = self._sockets.life_after_ms
        # The record goes first: from then on, no consumer can have the socket join a group.
        yield from self._groups.discard_all(
            channel,
            [
                Request(keys.host, ("HDEL", keys.sockets, client)),
                *(
                    Request(keys.host, ("PEXPIRE", self._keyspace.client(channel, kind), life_ms))
                    for kind in ("session", "order")
                ),
            ],
        )

    def find_unknown(self, server_id: str, clients: list[str]) -> Plan[list[str]]:
        """Plan: those of the open sockets `clients`, a list, that the layer has no record of."""
        host = self._keyspace.host_of(server_id)
        sockets = self._keyspace.server(server_id, "sockets")
        unknown: list[str] = []
        for some in in_parts(clients):
            (records,) = yield [Request(host, ("HMGET", sockets, *some))]
            recorded = zip(some, check(records), strict=True)
            unknown += [client for client, record in recorded if record is None]
        return unknown

    def renew(self, server_id: str) -> Plan[None]:
        """Plan: nothing of a living server's open sockets expires, however long they are silent."""
        host = self._keyspace.host_of(server_id)
        (sockets,) = yield [Request(host, ("HGETALL", self._keyspace.server(server_id, "sockets")))]
        clients = [client.decode() for client, _ in pairs(check(sockets))]
        yield from self._groups.renew(reply_channel_name(WEBSOCKET_SEND, server_id, ""), clients)

    def leave_groups(self, server_id: str, client: str) -> Plan[None]:
        """Plan: take a request whose client has left out of its groups."""
        yield from self._groups.discard_all(reply_channel_name(HTTP_RESPONSE, server_id, client))

    def set_state_requests(self, server_id: str, client: str, state: str | None) -> list[Request]:
        """Requests that tell senders to "hold", or that a client is "gone"; None clears it."""
        host = self._keyspace.host_of(server_id)
        key = self._keyspace.server(server_id, "clients")
        if state is None:
            return [Request(host, ("HDEL", key, client))]
        # Nobody cleans up after a server that Redis has forgotten.
        return [
            Request(host, ("HSET", key, client, state)),
            Request(host, ("PEXPIRE", key, KNOWN_TTL_MS)),
        ]

    # -- dead servers ---------------------------------------------------------------------------

    def bury(self, server_id: str) -> Plan[int | None]:
        """Plan: clean up after a dead server: make up its sockets' disconnects, end their
        memberships. Returns the number of sockets done with, or None if somebody else does it.

        A disconnect that finds its channel full stays in the record, for the next try: the server
        counts as dead again at once.
        """
        claim = scripts.CLAIM.call(
            [self._keyspace.registry("servers")], [server_id, TTL_MS["servers"]]
        )
        (claimed,) = yield [Request(self._registry.host, claim)]
        if not check(claimed):
            return None
        host = self._keyspace.host_of(server_id)
        key = functools.partial(self._keyspace.server, server_id)
        # If it lives after all, its next beat tells it that its sockets are done with.
        _, sockets = map(
            check,
            (
                yield [
                    Request(host, ("DEL", key("known"), key("alive"))),
                    Request(host, ("HGETALL", key("sockets"))),
                ]
            ),
        )
        sockets = pairs(sockets)
        for done, (client, packed) in enumerate(sockets):
            facts = self._read_facts(server_id, client.decode(), packed)
            if not (yield from self._make_up_disconnect(server_id, client.decode(), facts)):
                yield [self._dead_request(server_id)]
                return done
        if (yield from self._guardian.end_sockets(server_id)):
            yield from self.leave(server_id)
        return len(sockets)

    def _read_facts(self, server_id: str, client: str, packed: bytes) -> dict[str, Any]:
        """What is recorded of a socket; a record that can't be read is told, and is empty."""
        try:
            facts = self._rules.codec.unpack_value(packed, _place(server_id, client))
            return facts if isinstance(facts, dict) else {}
        except UndecodableMessage as error:
            text = "what is recorded of socket %s of server %s can't be read: %s"
            self._rules.drops.error("sockets", "unreadable", 1, text, client, server_id, error)
            return {}

    def _make_up_disconnect(self, server_id: str, client: str, facts: dict[str, Any]) -> Plan[bool]:
        channel = reply_channel_name(WEBSOCKET_SEND, server_id, client)
        message = {
            "reply_channel": channel,
            "code": 1006,
            "path": facts.get("path", ""),
            "order": (yield from self._guardian.find_next_order(server_id, client)),
        }
        yield from self._guardian.give_up(server_id, client)
        operation = self._sending.pack("websocket.disconnect", message)
        # If it was sent before, that is as good; and if the server lives after all, it is told.
        request = self._sending.once_request(operation, channel, MADE_UP_KEPT_MS)
        (reply,) = yield [request]
        if self._sending.read_sent(operation, reply) is not None:
            return False
        yield from self.forget_socket(server_id, client)
        return True


def _place(server_id: str, client: str) -> str:
    """What a socket's record belongs to, if it is encrypted."""
    return f"socket {server_id} {client}"
