"""The plans that receive a message, and give it back. Nothing here does I/O or reads a clock."""

import contextlib
import copy
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.codec import UndecodableMessage
from channels.layers.contract import Received
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.queues.delays import Delays, read_promoted
from channels.layers.redis.queues.delivery import Entry, OwnedChannels, Taken
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import TAKEN, Sending, Traffic, kind_and_rest
from channels.layers.redis.transport.plans import Block, Part, Plan, Request, Wait
from channels.layers.redis.transport.wire import check, raise_if_all_are_away, read_nothing

#: A busy reader looks at delayed messages this often.
PROMOTE_EVERY_S = 0.1


class Receiving:
    """Plans that take messages out of queues."""

    def __init__(
        self, rules: Rules, delays: Delays, acknowledged: OwnedChannels, traffic: Traffic
    ) -> None:
        self._rules, self._delays, self._acknowledged = rules, delays, acknowledged
        self._traffic = traffic
        self._leftovers: dict[str, deque[tuple[str, dict[str, Any]]]] = {}
        #: What was popped beside something else, and Redis refused to take back: host, keys, data.
        self._kept: deque[tuple[int, QueueKeys, bytes]] = deque()

    def receive(self, channels: Sequence[str], block_s: float, now_s: float) -> Plan[Received]:
        """Plan: the next (channel, message) of any of `channels`, or (None, None)."""
        for channel in channels:
            waiting = self._leftovers.get(channel)
            if waiting:
                return waiting.popleft()
        cursor = Cursor(self._rules.keyspace, channels, is_direct=True)
        _, delivery = yield from self.take(cursor, [], block_s, now_s)
        if delivery is None:
            return None, None
        return self._split_clients(delivery)

    def _split_clients(self, delivery: ops.Delivery) -> Received:
        """A message for several clients of a process is received once for each."""
        clients = delivery.token.clients if isinstance(delivery.token, Taken) else ()
        if not clients:
            return delivery.channel, delivery.content
        full = [delivery.channel + client for client in clients]
        if len(full) > 1:
            waiting = self._leftovers.setdefault(delivery.channel, deque())
            waiting.extend((name, copy.deepcopy(delivery.content)) for name in full[1:])
        return full[0], delivery.content

    def take(
        self,
        cursor: Cursor,
        batch: Sequence[Part],
        block_s: float,
        now_s: float,
        may_wait_at_once: bool = False,
    ) -> Plan[tuple[list[Any], ops.Delivery | None]]:
        """Plan: carry out `batch` (list of (requests, read) parts), then fetch the next message.

        Returns (results of the parts, Delivery or None). Raises LayerUnavailable only if nothing is
        known of the batch, or there is none: who thinks that it was not carried out repeats it.
        """
        kept = self._pick_kept(cursor) if self._kept else None
        if kept is not None:
            replies = yield [request for part, _ in batch for request in part]
            results = list(read_batch(batch, replies))
            return results, (yield from _or_none(self._parse(cursor, *kept), cursor, results))
        if may_wait_at_once and block_s > 0 and cursor.next_due_s is None:
            return (yield from self._take_or_wait(cursor, batch, block_s, now_s))
        hosts = cursor.hosts_in_order(now_s)
        rotation = next(cursor.next_rotation) % len(cursor.rotations)
        fetch = [Request(hosts[0], cursor.receive[rotation])]
        if cursor.has_delays and now_s >= cursor.promote_at_s:
            cursor.promote_at_s = now_s + PROMOTE_EVERY_S
            fetch = [*self._delays.promote_requests(cursor.keys, cursor.hosts), *fetch]
        requests = [request for part, _ in batch for request in part]
        replies = yield requests + fetch
        raise_if_all_are_away(replies, len(requests))
        results = list(read_batch(batch, replies))
        fetching = self._read_fetched(
            cursor, rotation, hosts, replies[len(requests) :], results, block_s
        )
        return results, (yield from _or_none(fetching, cursor, results))

    def _read_fetched(
        self,
        cursor: Cursor,
        rotation: int,
        hosts: Sequence[int],
        replies: list[Any],
        results: Sequence[Any],
        block_s: float,
    ) -> Plan[ops.Delivery | None]:
        """The next message, from the replies to what was fetched behind a batch; if it is not in
        them, it is looked for further, and waited for."""
        if len(replies) > 1:
            cursor.next_due_s = read_promoted(replies[:-1])
        delivery = yield from self._read_received(cursor, rotation, hosts[0], replies[-1])
        if delivery is None and not any(isinstance(each, ops.Delivery) for each in results):
            wait_s = 0.0 if ops.leave_work(results) else block_s
            delivery = yield from self._look_further(cursor, rotation, hosts[1:], wait_s)
        return delivery

    def _pick_kept(self, cursor: Cursor) -> tuple[QueueKeys, int, bytes] | None:
        """One of the kept messages that is for a reader: (keys, host, data)."""
        for kept in list(self._kept):
            host, keys, data = kept
            if keys in cursor.keys:
                with contextlib.suppress(ValueError):  # another thread has it
                    self._kept.remove(kept)
                    return keys, host, data
        return None

    def _take_or_wait(
        self, cursor: Cursor, batch: Sequence[Part], block_s: float, now_s: float
    ) -> Plan[tuple[list[Any], ops.Delivery | None]]:
        """`take` from one host in one round trip, in which the wait for a message has its place.

        Not for when delayed messages are known to be due, nor when the batch is likely to set a
        message free: then the wait has to be called off.
        """
        rotation = next(cursor.next_rotation) % len(cursor.rotations)
        commands = [request.command for part, _ in batch for request in part]
        count = len(commands)
        if cursor.has_delays and now_s >= cursor.promote_at_s:
            cursor.promote_at_s = now_s + PROMOTE_EVERY_S
            promoting = self._delays.promote_requests(cursor.keys, cursor.hosts)
            commands += [request.command for request in promoting]
        results: list[Any] = []

        def go_on(replies: list[Any]) -> bool:
            results.extend(read_batch(batch, replies))
            if len(replies) > count:
                cursor.next_due_s = read_promoted(replies[count:])
            if any(results) and ops.leave_work(results):  # nearly always, all are None
                return False
            return cursor.next_due_s is None

        wait = Wait(cursor.hosts[0], commands, cursor.queues[rotation], block_s, go_on)
        delivery = None
        try:
            popped, now_ms = yield wait
            if popped is not None:
                delivery = yield from self._read_first(cursor, popped[0], popped[1], now_ms)
        except LayerUnavailable:
            if not results:
                raise
            cursor.is_cut_off = True
        return results, delivery

    def _read_first(
        self, cursor: Cursor, queue: bytes, data: bytes, now_ms: int
    ) -> Plan[ops.Delivery | None]:
        """The Delivery in what was popped, unless it is a wake-up, expired or unreadable."""
        keys = cursor.by_queue[queue]
        kind, expires_ms = envelopes.read_head(data)
        if kind == envelopes.WAKE:
            cursor.wake()
            return None
        if expires_ms <= now_ms:
            yield from self._rules.note_expired(keys, cursor.hosts[0], 1)
            return None
        return (yield from self._parse(cursor, keys, cursor.hosts[0], data))

    def _look_further(
        self, cursor: Cursor, rotation: int, other_hosts: Sequence[int], block_s: float
    ) -> Plan[ops.Delivery | None]:
        """Try the other hosts, then wait on all of them."""
        for host in other_hosts:
            (reply,) = yield [Request(host, cursor.receive[rotation])]
            delivery = yield from self._read_received(cursor, rotation, host, reply)
            if delivery is not None:
                return delivery
        if block_s <= 0 or cursor.is_woken():
            return None
        if cursor.next_due_s is not None:
            block_s = min(block_s, cursor.next_due_s)
            cursor.promote_at_s = 0.0
        answers = yield Block(cursor.hosts, cursor.queues[rotation], block_s)
        return (yield from self._read_popped(cursor, answers))

    def _read_popped(
        self, cursor: Cursor, answers: Sequence[tuple[int, Any]]
    ) -> Plan[ops.Delivery | None]:
        delivery, refusal = None, None
        for host, reply in answers:
            if isinstance(reply, Exception):
                refusal = reply
                continue
            queue, data = reply
            if envelopes.kind_of(data) == envelopes.WAKE:
                cursor.wake()
            elif delivery is None:
                delivery = yield from self._parse(cursor, cursor.by_queue[queue], host, data)
            else:
                (back,) = yield [Request(host, ("LPUSH", queue, data))]
                if isinstance(back, Exception) and not getattr(back, "was_sent", False):
                    self._kept.append((host, cursor.by_queue[queue], data))
        if delivery is None and refusal is not None:
            check(refusal)
        return delivery

    def _read_received(
        self, cursor: Cursor, rotation: int, host: int, reply: Any
    ) -> Plan[ops.Delivery | None]:
        all_keys = cursor.rotations[rotation]
        if isinstance(reply, LayerUnavailable) and len(cursor.hosts) > 1:
            return None  # the others go on
        index, data, *expired = check(reply)
        for position, count in zip(expired[::2], expired[1::2], strict=True):
            yield from self._rules.note_expired(all_keys[position - 1], host, count)
        if index < 0:
            cursor.wake()
        if index <= 0:
            return None
        return (yield from self._parse(cursor, all_keys[index - 1], host, data))

    def _parse(
        self, cursor: Cursor, keys: QueueKeys, host: int, data: bytes
    ) -> Plan[ops.Delivery | None]:
        if len(cursor.hosts) > 1:
            cursor.note_found(host)
        if keys.is_for_anybody:
            self._traffic.note(TAKEN, keys.name)
        if envelopes.kind_of(data) == envelopes.TOKEN:
            return (yield from self._acknowledged.read(keys, host, cursor.is_direct))
        try:
            envelope = envelopes.parse(data)
            codec = self._rules.codec
            channel = keys.name + " ".join(envelope.clients) if codec.seal else ""
            content = codec.unpack_message(envelope.body, channel, is_first=True)
        except (envelopes.MalformedEnvelope, UndecodableMessage) as error:
            yield from self._rules.note_undecodable(keys, host, error)
            return None
        expiry_ms = int(self._rules.get_expiry(keys.name) * 1000)
        return ops.Delivery(
            keys.name,
            content,
            envelope.attempts,
            token=Taken(host, keys, data, envelope.clients),
            sent_at=(envelope.expires_ms - expiry_ms) / 1000,
            needs_done=False,
        )


def _or_none(
    fetching: Plan[ops.Delivery | None], cursor: Cursor, results: Sequence[Any]
) -> Plan[ops.Delivery | None]:
    """Plan: the message that `fetching` finds. If Redis goes away meanwhile, and `results` of what
    was carried out before are known, there is none, and the cursor notes it."""
    try:
        return (yield from fetching)
    except LayerUnavailable:
        if not results:
            raise
        cursor.is_cut_off = True
        return None


def read_taken(popped: Any, drained: Any, queues: int) -> tuple[list[int], list[bytes]]:
    """Read the replies to a BLPOP and the DRAIN behind it: how many messages of each of `queues`
    have expired, and the messages. If one was refused, the other may have taken something: in a
    cluster a queue is refused that is empty while its slot moves. Raises LayerUnavailable."""
    found = [popped[1]] if isinstance(popped, list) else []
    if isinstance(drained, list):
        expired, found = drained[:queues], found + drained[queues:]
    else:
        expired = [0] * queues
    if not found:
        check(popped)
        check(drained)
    return expired, found


def read_batch(batch: Sequence[Part], replies: list[Any]) -> Iterator[Any]:
    """The results of the parts of a batch, each from its own replies; the LayerUnavailable of a
    part whose host is away is its result."""
    position = 0
    for requests, read in batch:
        try:
            yield read(replies[position : position + len(requests)])
        except LayerUnavailable as error:
            yield error
        position += len(requests)


class Returns:
    """What becomes of a message that was taken."""

    def __init__(self, rules: Rules, sending: Sending, acknowledged: OwnedChannels) -> None:
        self._rules, self._sending, self._acknowledged = rules, sending, acknowledged

    def done_part(self, operation: ops.Done) -> Part:
        """The part that acknowledges a delivery, if it wants that."""
        token = operation.delivery.token
        if isinstance(token, Entry):
            return [self._acknowledged.done_request(token)], read_nothing
        return [], read_nothing

    def retry_part(self, operation: ops.Retry) -> Part:
        """The part that puts a delivery back, to be received again after a while."""
        delivery, delay_s = operation.delivery, operation.delay_s
        attempts = delivery.attempts + 1
        if isinstance(delivery.token, Entry):
            return [self._acknowledged.retry_request(delivery.token, delay_s)], read_nothing
        if delay_s <= 0:
            return [self._request(delivery, attempts, "RPUSH")], read_nothing
        payload = self._rules.codec.pack_message(
            delivery.content, delivery.channel, delay_s=delay_s, is_ours=True
        )
        request = self._sending.delay_request(delivery.channel, payload, delay_s, attempts)
        return [request], read_nothing

    def put_back_part(self, operation: ops.PutBack) -> Part:
        """The part that puts a delivery back to the front, as it was."""
        delivery = operation.delivery
        if delivery.token is None:
            return [self._request(delivery, delivery.attempts, "LPUSH")], read_nothing
        if isinstance(delivery.token, Entry):
            return [self._acknowledged.put_back_request(delivery.token)], read_nothing
        host, keys, data, _ = delivery.token
        self._rules.codec.put_back(envelopes.parse(data).body)
        ttl_ms = self._rules.lives_ms(keys)[1]
        return [
            Request(host, ("LPUSH", keys.queue, data)),
            Request(host, ("PEXPIRE", keys.queue, ttl_ms)),
        ], read_nothing

    def put_back(self, channel: str, message: dict[str, Any]) -> Plan[None]:
        """Plan: a message that was received, but reached nobody, goes to the front again."""
        requests, read = self.put_back_part(ops.PutBack(ops.Delivery(channel, message)))
        read((yield requests))

    def _request(self, delivery: ops.Delivery, attempts: int, side: str) -> Request:
        keys = self._rules.keyspace.queue(delivery.channel)
        payload = self._rules.codec.pack_message(delivery.content, delivery.channel)
        if self._acknowledged.has(keys):
            return self._acknowledged.put_request(keys, payload, attempts)
        kind, rest = kind_and_rest(keys, delivery.channel, payload)
        args = [*self._rules.lives_ms(keys), min(attempts, 255), kind, rest, side]
        return Request(self._rules.host_for(keys), scripts.PUT_BACK.call([keys.queue], args))
