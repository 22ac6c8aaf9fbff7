"""The plans that send a message, and how much was sent of late. Nothing here does I/O."""

import collections
import functools
import math
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from channels.exceptions import ChannelFull, ClientBusy, ClientGone, HeldBack
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.delivery import OwnedChannels
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.transport import wire
from channels.layers.redis.transport.plans import Part, Plan, Post, Request
from channels.layers.redis.transport.wire import Command, check, read_nothing
from channels.metrics import hooks

#: What send.lua and send_in_row.lua say when it is not the queue that is full.
_REFUSALS = {-2: ClientBusy, -3: HeldBack}

#: What Traffic counts of messages.
SENT, TAKEN = "sent", "taken"
#: Figures are kept for tenths of a second, so many of them.
TENTHS = 600
#: Messages of sockets: what becomes of these in trouble is told for each socket.
_OF_SOCKETS = "websocket."


class Row(NamedTuple):
    """The place of an operation among those of one pipeline that must not overtake one another."""

    #: The key of the mark, and the place; see part_rows.lua.
    mark: str
    place: str


class Way(NamedTuple):
    """What is the same of every message to one queue."""

    keys: QueueKeys
    #: The host that it lies on; None if the first one goes that is not away.
    host: int | None
    #: The keys and the first arguments of scripts.SEND and scripts.SEND_MANY.
    queue_keys: tuple[str, ...]
    args: tuple[str, ...]
    #: The command of scripts.SEND, up to what follows the envelope's head.
    head: Command
    #: Whether the queue is that of a process, whose clients share it.
    is_shared: bool


class Sending:
    """Plans that put messages into queues."""

    def __init__(self, rules: Rules, acknowledged: OwnedChannels, traffic: "Traffic") -> None:
        self._rules, self._keyspace = rules, rules.keyspace
        self._acknowledged, self._traffic = acknowledged, traffic
        #: The Way to a queue; None to that of an acknowledged channel.
        self.way_to = functools.lru_cache(maxsize=1024)(self._find_way)

    def pack(self, channel: str, message: dict[str, Any]) -> ops.Send:
        """The Send of a message that the layer itself makes up."""
        return ops.Send(channel, self._rules.codec.pack_message(message, channel, is_ours=True))

    def send(self, operation: ops.Send) -> Plan[None]:
        """Plan: send one message; raises what refuses it."""
        (reply,) = yield [self.request(operation)]
        ops.raise_refusal(self.read_sent(operation, reply))

    def part(self, operation: ops.Send, row: Row | None = None) -> Part:
        """The part of a batch that sends one message."""
        request = self.request(operation, row)
        return [request], lambda replies: self.read_sent(operation, replies[0])

    def request(self, operation: ops.Send, row: Row | None = None) -> Request:
        """The Request that sends one message; in a Row it does not overtake those before it."""
        channel, payload = operation.channel, operation.payload
        if operation.delay_s > 0:
            return self.delay_request(channel, payload, operation.delay_s, attempts=0)
        queue, client = names.split_local(channel)
        way = self.way_to(queue)
        if way is None:
            return self._acknowledged.send_request(self._keyspace.queue(queue), payload)
        rest: bytes = payload
        last: tuple[str, ...] = ()
        if way.is_shared:
            rest, last = envelopes.address(client, payload), (client,)
        if row is None:
            call = (*way.head, rest, *last)
        else:
            call = scripts.SEND_IN_ROW.call(
                (*way.queue_keys, row.mark), (*way.args, rest, *last, row.place)
            )
        return Request(self.host_for(way), wire.sized(call, len(payload)))

    def once_request(self, operation: ops.Send, name: str, kept_ms: int) -> Request:
        """The Request that sends a message unless one with its name was sent before, which is
        known for `kept_ms`. A message to a client, or to an acknowledged channel, is just sent."""
        way = self.way_to(names.queue_name(operation.channel))
        if way is None or not way.keys.is_plain:
            return self.request(operation)
        keys = (*way.queue_keys, self._keyspace.once(way.keys.tag))
        args = (*way.args, operation.payload, name, kept_ms)
        return Request(self._rules.common_host_for(way.keys), scripts.SEND_ONCE.call(keys, args))

    def send_once(self, operation: ops.Send, name: str, kept_ms: int) -> Plan[None]:
        """Plan: send a message unless it was sent before; raises what refuses it."""
        (reply,) = yield [self.once_request(operation, name, kept_ms)]
        ops.raise_refusal(self.read_sent(operation, reply))

    def _find_way(self, queue: str) -> Way | None:
        """The Way to a queue; None to that of an acknowledged channel."""
        keys = self._keyspace.queue(queue)
        if self._acknowledged.has(keys):
            return None
        is_shared = not (keys.is_plain or keys.is_single_reader)
        queue_keys: tuple[str, ...] = (
            (keys.queue,) if keys.is_single_reader else (keys.queue, keys.counts)
        )
        if is_shared:
            queue_keys += (keys.states,)
        kind = envelopes.TO_CLIENTS if is_shared else envelopes.PLAIN
        numbers = (self._rules.get_capacity(queue), *self._rules.lives_ms(keys), kind)
        args = tuple(map(str, numbers))  # once, and not for each message
        host = self._rules.fixed_host(keys)
        return Way(keys, host, queue_keys, args, scripts.SEND.call(queue_keys, args), is_shared)

    def host_for(self, way: Way) -> int:
        """The host that the next message on a Way goes to."""
        return self._rules.host_for(way.keys) if way.host is None else way.host

    def post(self, operation: ops.Send) -> Post | None:
        """The Post of one message, or None if it can't go together with others."""
        queue, client = names.split_local(operation.channel)
        way = self.way_to(queue)
        if operation.delay_s > 0 or way is None:
            return None
        rest: bytes = operation.payload
        keys, head = way.queue_keys, way.head
        if way.is_shared:
            if way.keys.owner == "requests":  # whose clients may hold their senders back
                return None
            rest, keys = envelopes.address(client, rest), keys[:2]
            head = scripts.SEND.call(keys, way.args)
        request = Request(self.host_for(way), wire.sized((*head, rest), len(rest)))
        return Post(request, scripts.SEND_MANY, keys, way.args, rest)

    def to_client(self, operation: ops.Send) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """The keys and arguments of scripts.SEND for a message to a client, but for the client."""
        queue, client = names.split_local(operation.channel)
        way = self.way_to(queue)
        if way is None:
            raise ValueError(f"expected the reply channel of a client, got {operation.channel!r}")
        return way.queue_keys, (*way.args, envelopes.address(client, operation.payload))

    def delay_request(self, channel: str, payload: bytes, delay_s: float, attempts: int) -> Request:
        """The Request that keeps a message until it is due."""
        keys = self._keyspace.queue(channel)
        kind, rest = kind_and_rest(keys, channel, payload)
        args = [
            int(delay_s * 1000),
            secrets.token_bytes(12),
            kind,
            min(attempts, 255),
            rest,
            self._rules.lives_ms(keys)[1],
        ]
        return Request(
            self._rules.host_for(keys), scripts.DELAY.call([keys.later, keys.queue], args)
        )

    def read_sent(self, operation: ops.Send, reply: Any) -> ChannelFull | ClientGone | None:
        """None if the message was sent; the ChannelFull or ClientGone if it was refused."""
        reply = check(reply)
        if reply == 0:
            if "!" not in operation.channel:
                self._traffic.note(SENT, operation.channel)
            if hooks.meter.is_on:
                hooks.meter.message_sent(operation.channel)
            return None
        if isinstance(reply, list):
            self._rules.tell_expired(operation.channel, reply[1])
            return self.read_sent(operation, reply[0])
        if reply == -1:
            return ClientGone(operation.channel)
        hooks.meter.messages_lost(operation.channel, "full")
        capacity = self._rules.get_capacity(operation.channel)
        if reply > 0:
            return ChannelFull(operation.channel, reply, capacity)
        return _REFUSALS[reply](operation.channel, 0, capacity)

    def drop_part(self, operation: ops.Drop) -> Part:
        """The part of a batch that counts messages as lost."""
        requests = self._rules.count_requests(operation.channel, operation.reason, operation.count)
        return requests, read_nothing


def kind_and_rest(keys: QueueKeys, channel: str, payload: bytes) -> tuple[int, bytes]:
    """The kind of a message's envelope, and what follows the head."""
    if keys.is_plain or keys.is_single_reader:
        return envelopes.PLAIN, payload
    return envelopes.TO_CLIENTS, envelopes.address(names.split_local(channel)[1], payload)


class _Bucket(NamedTuple):
    tenth: int
    counts: "collections.Counter[tuple[str, str]]"


class Traffic:
    """Counts messages by what they were and their channel. A count of two threads at the same
    moment may get lost."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: collections.deque[_Bucket] = collections.deque(maxlen=TENTHS)
        self._counts: collections.Counter[tuple[str, str]] = collections.Counter()
        #: When the latest bucket is full.
        self._until_s = -math.inf

    def note(self, what: str, channel: str) -> None:
        """A message was sent or taken. Those of processes and sockets are passed over."""
        if "!" in channel or "?" in channel or channel.startswith(_OF_SOCKETS):
            return
        now_s = self._clock()
        if now_s >= self._until_s:
            self._begin(int(now_s * 10))
        self._counts[what, channel] += 1

    def _begin(self, tenth: int) -> None:
        self._counts = collections.Counter()
        self._buckets.append(_Bucket(tenth, self._counts))
        self._until_s = (tenth + 1) / 10

    def between(self, what: str, since_s: float, until_s: float) -> "collections.Counter[str]":
        """The messages of a span of time (of the clock), by channel."""
        found: collections.Counter[str] = collections.Counter()
        for bucket in list(self._buckets):
            if int(since_s * 10) <= bucket.tenth <= int(until_s * 10):
                for (kind, channel), count in list(bucket.counts.items()):
                    if kind == what:
                        found[channel] += count
        return found
