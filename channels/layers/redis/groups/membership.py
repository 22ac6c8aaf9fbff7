"""The plans for groups.

A group lies in two places: on its own side, which queues (processes, or plain channels) have
members in it; on each process's side, which of its clients these are. A group send is therefore
one push per process, however many of its sockets are members.

With several hosts, the group's own side is kept on two of them, and each send looks at both: one
may be away, or back without what it knew. What only one of them knows, the other is told.
"""

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from channels.exceptions import LayerUnavailable
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.redis.groups import scripts
from channels.layers.redis.keys import SOCKET_STATE_TTL_MS, QueueKeys
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport import wire
from channels.layers.redis.transport.plans import Part, Plan, Request, in_parts
from channels.layers.redis.transport.wire import Command, check, raise_if_all_are_away, read_nothing
from channels.metrics import hooks

#: A queue found without members is forgotten only if its last group_add is older than this.
PRUNE_AGE_MS = 60_000
#: The keys of memberships that expire outlive them by this long.
TTL_MARGIN_MS = 60_000


class Push(NamedTuple):
    """What is the same of every message to the members of a group in one queue."""

    host: int
    #: The command of scripts.PUSH, up to the payload; behind that comes `owner`.
    head: Command
    owner: str


class Groups:
    """Plans for the verbs on groups."""

    def __init__(self, rules: Rules, group_expiry: float) -> None:
        self._rules = rules
        self._keyspace = rules.keyspace
        self._life_ms = int(group_expiry * 1000)
        #: The requests that look up a group's queues, one for each host that knows them.
        self._lookups_of = functools.lru_cache(maxsize=1024)(self._find_lookups)
        #: The Push to (a group, a queue).
        self._push_to = functools.lru_cache(maxsize=4096)(self._find_push)

    def _ttl_ms(self, keys: QueueKeys) -> int:
        """Life of the keys of memberships in a queue. Those of sockets do not expire: the server
        renews the keys from time to time, and cleans up after the socket."""
        ttl_ms = self._life_ms + TTL_MARGIN_MS
        return max(ttl_ms, SOCKET_STATE_TTL_MS) if keys.owner == "sockets" else ttl_ms

    def add(self, group: str, channel: str) -> Plan[None]:
        """Plan: make `channel` a member, unless it is that of a client who has left."""
        names.check_group_name(group)
        keys = self._keyspace.queue(names.check_channel_name(channel))
        client = names.split_local(channel)[1]
        member = Request(
            keys.host,
            scripts.ADD.call(
                [
                    self._keyspace.members(keys.name, group),
                    self._keyspace.client(channel, "of"),
                    keys.sockets,
                    keys.states,
                ],
                [client, group, self._life_ms, self._ttl_ms(keys), keys.owner],
            ),
        )
        # Last, so that whoever finds the process without members knows of this one: see _leave.
        hosts = self._keyspace.group_hosts(group)
        notes = [self._join_request(group, keys.name, host) for host in hosts]
        if self._keyspace.host_count == 1:
            is_member, *_ = map(check, (yield [member, *notes]))
        else:
            (is_member,) = map(check, (yield [member]))
            _check_any((yield notes))
        if not is_member:
            yield from self._leave([group], channel)

    def _join_request(self, group: str, queue: str, host: int) -> Request:
        key = self._keyspace.group(group)
        ttl_ms = self._ttl_ms(self._keyspace.queue(queue))
        return Request(host, scripts.JOIN.call([key], [queue, ttl_ms]))

    def discard(self, group: str, channel: str) -> Plan[None]:
        """Plan: take `channel` out."""
        names.check_group_name(group)
        yield from self._leave([group], channel)

    def discard_all(self, channel: str, before: Sequence[Request] = ()) -> Plan[list[str]]:
        """Plan: take `channel` out of every group it is in; returns their names.

        `before`: Requests that go ahead, in the same round trip if they are for the same host.
        """
        keys = self._keyspace.queue(names.check_channel_name(channel))
        *done, joined = yield [
            *before,
            Request(keys.host, ("SMEMBERS", self._keyspace.client(channel, "of"))),
        ]
        read_nothing(done)
        joined = [group.decode() for group in check(joined)]
        if joined:
            yield from self._leave(joined, channel)
        return joined

    def _leave(self, groups: Sequence[str], channel: str) -> Plan[None]:
        """Plan: take `channel` out of these groups, and forget its queue where it was the last one.

        The time is read before it is looked who is left, and only a queue to which nobody was added
        since then is forgotten, so that no new member is lost.
        """
        places = self._places(groups)
        times = [Request(host, ("TIME",)) for _, host in places]
        leaving = [request for group in groups for request in self._leave_requests(group, channel)]
        if self._keyspace.host_count == 1:  # one host does as it is told, in that order
            replies = yield times + leaving
        else:
            replies = [*(yield times), *(yield leaving)]
        times, replies = replies[: len(places)], replies[len(places) :]
        read_nothing(replies)
        left = dict(zip(groups, replies[1::3], strict=True))
        emptied = [
            self._prune_request(group, names.queue_name(channel), host, _milliseconds(time))
            for (group, host), time in zip(places, times, strict=True)
            if not left[group] and not isinstance(time, LayerUnavailable)
        ]
        if emptied:
            yield emptied

    def _leave_requests(self, group: str, channel: str) -> list[Request]:
        """Three Requests; the second one's reply says how many members the process has left."""
        keys = self._keyspace.queue(names.check_channel_name(channel))
        members = self._keyspace.members(keys.name, group)
        return [
            Request(keys.host, ("ZREM", members, names.split_local(channel)[1])),
            Request(keys.host, ("ZCARD", members)),
            Request(keys.host, ("SREM", self._keyspace.client(channel, "of"), group)),
        ]

    def channels(self, group: str) -> Plan[list[str]]:
        """Plan: the full names of the members."""
        names.check_group_name(group)
        queues = yield from self.queues_of([group])
        requests, owners = [], []
        for queue in queues[group]:
            keys = self._keyspace.queue(queue)
            owners.append(queue)
            requests.append(
                Request(
                    keys.host,
                    scripts.MEMBERS.call(
                        [self._keyspace.members(queue, group), keys.known], [keys.owner]
                    ),
                )
            )
        replies = (yield requests) if requests else []
        raise_if_all_are_away(replies)
        return [
            queue + client.decode()
            for queue, clients in zip(owners, replies, strict=True)
            if not isinstance(clients, LayerUnavailable)
            for client in check(clients)
        ]

    def queues_of(self, groups: Sequence[str]) -> Plan[dict[str, list[str]]]:
        """Plan: for each group, the names of the queues that have members in it."""
        lookups = {group: self._lookups_of(group) for group in groups}
        replies = iter((yield [request for some in lookups.values() for request in some]))
        queues: dict[str, list[str]] = {}
        for group, some in lookups.items():
            answers = {request.host: next(replies) for request in some}
            raise_if_all_are_away(list(answers.values()))
            there = {
                host: [queue.decode() for queue in check(reply)]
                for host, reply in answers.items()
                if not isinstance(reply, LayerUnavailable)
            }
            queues[group] = list(dict.fromkeys(itertools.chain.from_iterable(there.values())))
            tell = [
                self._join_request(group, queue, host)
                for host, known in there.items()
                for queue in queues[group]
                if queue not in known
            ]
            if tell:
                yield tell
        return queues

    def _find_lookups(self, group: str) -> tuple[Request, ...]:
        command = ("ZRANGE", self._keyspace.group(group), 0, -1)
        return tuple(Request(host, command) for host in self._keyspace.group_hosts(group))

    def _places(self, groups: Iterable[str]) -> list[tuple[str, int]]:
        """Where these groups are noted: a list of (group, host)."""
        return [(group, host) for group in groups for host in self._keyspace.group_hosts(group)]

    def push_part(self, operation: ops.SendGroup, queues: Sequence[str]) -> Part:
        """The part of a batch that sends to every queue of a group; its result is a list of the
        queues that turned out to have no members."""
        requests = [self._push_request(operation, queue) for queue in queues]
        if hooks.meter.is_on:
            hooks.meter.group_sent()

        def read(replies: Sequence[Any]) -> list[str]:
            raise_if_all_are_away(replies)
            empty = []
            for queue, reply in zip(queues, replies, strict=True):
                if isinstance(reply, LayerUnavailable):
                    self._note_away(operation.group, queue, reply)
                elif check(reply) == 0:
                    empty.append(queue)
                elif reply < 0:
                    self._note_drop(operation.group, queue, -1 - reply)
            return empty

        return requests, read

    def _push_request(self, operation: ops.SendGroup, queue: str) -> Request:
        push = self._push_to(operation.group, queue)
        call = (*push.head, operation.payload, push.owner)
        return Request(push.host, wire.sized(call, len(operation.payload)))

    def _find_push(self, group: str, queue: str) -> Push:
        keys = self._keyspace.queue(queue)
        members = self._keyspace.members(queue, group)
        head = scripts.PUSH.call(
            [keys.queue, keys.counts, members, keys.known],
            [self._rules.get_capacity(queue), *self._rules.lives_ms(keys)],
        )
        return Push(keys.host, head, keys.owner)

    def _note_drop(self, group: str, queue: str, length: int) -> None:
        hooks.meter.messages_lost(queue, "full")
        self._rules.drops.warn(
            queue,
            "full",
            1,
            "a message to group %s was dropped for its members on %s, which is full (%d of %d "
            "waiting): its reader is too slow",
            group,
            queue,
            length,
            self._rules.get_capacity(queue),
        )

    def _note_away(self, group: str, queue: str, error: LayerUnavailable) -> None:
        self._rules.drops.warn(
            queue,
            "away",
            1,
            "a message to group %s was dropped for its members on %s: %s",
            group,
            queue,
            error,
        )

    # -- for long silent sockets --------------------------------------------------------------

    def renew(self, sockets_queue: str, clients: list[str]) -> Plan[None]:
        """Plan: give what these sockets keep in the layer, and their memberships, a new term."""
        keys = self._keyspace.queue(sockets_queue)
        groups: set[str] = set()
        for some in in_parts(clients):
            replies = yield [self._renew_request(keys, client) for client in some]
            groups.update(group.decode() for joined in replies for group in check(joined))
        ttl_ms = self._ttl_ms(keys)
        for some in in_parts(sorted(groups)):
            members = [(keys.host, self._keyspace.members(keys.name, group)) for group in some]
            places = [(host, self._keyspace.group(group)) for group, host in self._places(some)]
            replies = yield [
                Request(host, ("PEXPIRE", key, ttl_ms)) for host, key in [*members, *places]
            ]
            _check_any(replies)

    def _renew_request(self, keys: QueueKeys, client: str) -> Request:
        kept = [
            self._keyspace.client(keys.name + client, kind) for kind in ("of", "session", "order")
        ]
        renewed = [kept[0], keys.sockets, *kept[1:]]
        return Request(keys.host, scripts.RENEW.call(renewed, [client, SOCKET_STATE_TTL_MS]))

    # -- sending ------------------------------------------------------------------------------

    def prune_requests(self, group: str, queues: Iterable[str]) -> list[Request]:
        """Requests that forget queues without members (unless one has just been added)."""
        return [
            self._prune_request(group, queue, host)
            for queue in queues
            for host in self._keyspace.group_hosts(group)
        ]

    def _prune_request(self, group: str, queue: str, host: int, *before_ms: float) -> Request:
        key = self._keyspace.group(group)
        return Request(host, scripts.PRUNE.call([key], [queue, PRUNE_AGE_MS, *before_ms]))

    def send(self, operation: ops.SendGroup) -> Plan[None]:
        """Plan: send to every member; returns after those that could be reached were."""
        queues = yield from self.queues_of([operation.group])
        requests, read = self.push_part(operation, queues[operation.group])
        if requests:
            empty = read((yield requests))
            if empty:
                yield self.prune_requests(operation.group, empty)


def _check_any(replies: Sequence[Any]) -> None:
    """Check the replies of a step in which some of the hosts may be away, but not all."""
    raise_if_all_are_away(replies)
    read_nothing(reply for reply in replies if not isinstance(reply, LayerUnavailable))


def _milliseconds(time: Sequence[Any]) -> float:
    seconds, micros = time
    return int(seconds) * 1000 + int(micros) / 1000
