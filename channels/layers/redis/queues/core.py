"""The plans for channels: send, receive, delay, and what a worker leaves to be done.

See plans.py for what a plan is. Nothing here does I/O or reads a clock.
"""

import copy
import functools
import secrets
from collections import deque
from typing import NamedTuple

from channels.exceptions import (
    ChannelFull,
    ClientBusy,
    ClientGone,
    HeldBack,
    LayerUnavailable,
)
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.codec import UndecodableMessage
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.queues import envelope as envelopes
from channels.layers.redis.queues import scripts
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.queues.delivery import Entry, RedisDelivery
from channels.layers.redis.transport import wire
from channels.layers.redis.transport.plans import (
    Block,
    Post,
    Request,
    Wait,
    check,
    raise_if_all_are_away,
    read_nothing,
)

#: Queue keys outlive their messages by this long, so that a late reader still counts what expired.
QUEUE_TTL_MARGIN_S = 86_400
#: Reply and body queues have one reader, which is gone for good if it is away for this long.
PRIVATE_QUEUE_TTL_MARGIN_S = 10
#: Counts that nobody adds to are forgotten after this long; as in transport/prelude.lua.
COUNTS_TTL_MS = 7 * 86_400_000
#: A busy reader looks at delayed messages this often.
PROMOTE_EVERY_S = 0.1


#: What send.lua and send_in_row.lua say when it is not the queue that is full.
_REFUSALS = {-2: ClientBusy, -3: HeldBack}


class Row(NamedTuple):
    """The place of an operation among those of one pipeline that must not overtake one another."""

    #: The key of the mark, and the place; see part_rows.lua.
    mark: str
    place: str


class Way(NamedTuple):
    """What is the same of every message to one queue."""

    keys: QueueKeys
    #: The keys and the first arguments of scripts.SEND and scripts.SEND_MANY.
    queue_keys: tuple
    args: tuple
    #: The command of scripts.SEND, up to what follows the envelope's head.
    head: tuple
    #: Whether the queue is that of a process, whose clients share it.
    is_shared: bool


class Core:
    """Plans for the verbs on channels.

    `layer` gives what is configured for a channel: `get_capacity` and its like. `pick_host(hosts)`
    returns the first of these hosts that is not known to be away.
    """

    def __init__(self, keyspace, codec, layer, pick_host):
        self.keyspace = keyspace
        self.codec = codec
        self.get_capacity = layer.get_capacity
        self.get_expiry = layer.get_expiry
        self.pick_host = pick_host
        self.drops = layer.drops
        #: The plans for acknowledged channels, which the layer adds.
        self.acknowledged = None
        self._leftovers = {}
        self._way_to = functools.lru_cache(maxsize=1024)(self._find_way)

    def pack_send(self, channel, message):
        """The Send of a message that the layer itself makes up."""
        return ops.Send(channel, self.codec.pack_message(message, channel))

    # -- sending ----------------------------------------------------------------------------

    def host_for(self, keys):
        """The host that a queue's next message goes to; plain channels can do without theirs, as
        their readers look on all hosts."""
        if self.keyspace.host_count == 1:
            return 0
        return self.pick_host(self.keyspace.ranking(keys.tag)) if keys.is_plain else keys.host

    def lives_ms(self, keys):
        """(expiry of a message, time to live of the queue key), both in ms."""
        expiry_s = self.get_expiry(keys.name)
        margin_s = QUEUE_TTL_MARGIN_S if keys.is_plain else PRIVATE_QUEUE_TTL_MARGIN_S
        return int(expiry_s * 1000), int((expiry_s + margin_s) * 1000)

    def send_request(self, operation, row=None):
        """The Request that sends one message; in a Row it does not overtake those before it."""
        channel, payload = operation.channel, operation.payload
        if operation.delay_s > 0:
            return self._delay_request(channel, payload, operation.delay_s, attempts=0)
        queue, client = names.split_local(channel)
        way = self._way_to(queue)
        if way is None:
            return self.acknowledged.send_request(self.keyspace.queue(queue), payload)
        if way.is_shared:
            rest, last = envelopes.address(client, payload), (client,)
        else:
            rest, last = payload, ()
        if row is None:
            call = (*way.head, rest, *last)
        else:
            call = scripts.SEND_IN_ROW.call(
                (*way.queue_keys, row.mark), (*way.args, rest, *last, row.place)
            )
        return Request(self.host_for(way.keys), wire.sized(call, len(payload)))

    def reply_arguments(self, operation):
        """The keys and arguments of scripts.SEND for a message to a client, but for the client."""
        queue, client = names.split_local(operation.channel)
        way = self._way_to(queue)
        return way.queue_keys, (*way.args, envelopes.address(client, operation.payload))

    def _find_way(self, queue):
        """The Way to a queue; None to that of an acknowledged channel."""
        keys = self.keyspace.queue(queue)
        if self.acknowledged.has(keys):
            return None
        is_shared = not (keys.is_plain or keys.is_single_reader)
        queue_keys = (keys.queue,) if keys.is_single_reader else (keys.queue, keys.counts)
        if is_shared:
            queue_keys += (keys.states,)
        kind = envelopes.TO_CLIENTS if is_shared else envelopes.PLAIN
        args = (self.get_capacity(queue), *self.lives_ms(keys), kind)
        return Way(keys, queue_keys, args, scripts.SEND.call(queue_keys, args), is_shared)

    def post(self, operation):
        """The Post of one message, or None if it can't go together with others."""
        queue, client = names.split_local(operation.channel)
        way = self._way_to(queue)
        if operation.delay_s > 0 or way is None:
            return None
        rest, keys, head = operation.payload, way.queue_keys, way.head
        if way.is_shared:
            if way.keys.owner == "requests":  # whose clients may hold their senders back
                return None
            rest, keys = envelopes.address(client, rest), keys[:2]
            head = scripts.SEND.call(keys, way.args)
        call = wire.sized((*head, rest), len(rest))
        request = Request(self.host_for(way.keys), call)
        return Post(request, scripts.SEND_MANY, keys, way.args, rest)

    @staticmethod
    def kind_and_rest(keys, channel, payload):
        """The kind of a message's envelope, and what follows the head."""
        if keys.is_plain or keys.is_single_reader:
            return envelopes.PLAIN, payload
        return envelopes.TO_CLIENTS, envelopes.address(names.split_local(channel)[1], payload)

    def _delay_request(self, channel, payload, delay_s, attempts):
        keys = self.keyspace.queue(channel)
        kind, rest = self.kind_and_rest(keys, channel, payload)
        args = [
            int(delay_s * 1000),
            secrets.token_bytes(12),
            kind,
            min(attempts, 255),
            rest,
            self.lives_ms(keys)[1],
        ]
        return Request(self.host_for(keys), scripts.DELAY.call([keys.later, keys.queue], args))

    def read_sent(self, operation, reply):
        """None if the message was sent; the ChannelFull or ClientGone if it was refused."""
        reply = check(reply)
        if reply == 0:
            return None
        if isinstance(reply, list):
            self.tell_expired(self.keyspace.queue(operation.channel), reply[1])
            return self.read_sent(operation, reply[0])
        if reply == -1:
            return ClientGone(operation.channel)
        capacity = self.get_capacity(operation.channel)
        if reply > 0:
            return ChannelFull(operation.channel, reply, capacity)
        return _REFUSALS[reply](operation.channel, 0, capacity)

    def send(self, operation):
        """Plan: send one message; raises what refuses it."""
        (reply,) = yield [self.send_request(operation)]
        refusal = self.read_sent(operation, reply)
        if refusal is not None:
            raise refusal

    # -- receiving --------------------------------------------------------------------------

    def receive(self, channels, block_s, now_s):
        """Plan: the next (channel, message) of any of `channels`, or (None, None)."""
        for channel in channels:
            waiting = self._leftovers.get(channel)
            if waiting:
                return waiting.popleft()
        cursor = Cursor(self.keyspace, channels, is_direct=True)
        _, delivery = yield from self.take(cursor, [], block_s, now_s)
        if delivery is None:
            return None, None
        return self._split_clients(delivery)

    def _split_clients(self, delivery):
        """A message for several clients of a process is received once for each."""
        clients = delivery.clients
        if not clients:
            return delivery.channel, delivery.content
        full = [delivery.channel + client for client in clients]
        if len(full) > 1:
            waiting = self._leftovers.setdefault(delivery.channel, deque())
            waiting.extend((name, copy.deepcopy(delivery.content)) for name in full[1:])
        return full[0], delivery.content

    def take(self, cursor, batch, block_s, now_s, may_wait_at_once=False):
        """Plan: carry out `batch` (list of (requests, read) parts), then fetch the next message.

        Returns (results of the parts, Delivery or None).
        """
        if may_wait_at_once and block_s > 0 and cursor.next_due_s is None:
            return (yield from self._take_or_wait(cursor, batch, block_s, now_s))
        hosts = cursor.hosts_in_turn()
        turn = next(cursor.turn) % len(cursor.rotations)
        fetch = [Request(hosts[0], cursor.receive[turn])]
        promotes = cursor.has_delays and now_s >= cursor.promote_at_s
        if promotes:
            cursor.promote_at_s = now_s + PROMOTE_EVERY_S
            fetch = [*self.promote_requests(cursor.keys, cursor.hosts), *fetch]
        requests = [request for part, _ in batch for request in part]
        replies = yield requests + fetch
        raise_if_all_are_away(replies)
        results = list(self.read_batch(batch, replies))
        if promotes:
            cursor.next_due_s = self.read_promoted(replies[len(requests) : -1])
        delivery = yield from self._read_received(cursor, turn, hosts[0], replies[-1])
        if delivery is None and not ops.leave_work(results):
            delivery = yield from self._look_further(cursor, turn, hosts[1:], block_s)
        return results, delivery

    def _take_or_wait(self, cursor, batch, block_s, now_s):
        """`take` from one host in one round trip, in which the wait for a message has its place.

        Not for when delayed messages are known to be due, nor when the batch is likely to set a
        message free: then the wait has to be called off.
        """
        turn = next(cursor.turn) % len(cursor.rotations)
        requests = [request for part, _ in batch for request in part]
        count = len(requests)
        if cursor.has_delays and now_s >= cursor.promote_at_s:
            cursor.promote_at_s = now_s + PROMOTE_EVERY_S
            requests += self.promote_requests(cursor.keys, cursor.hosts)
        results = []

        def go_on(replies):
            results.extend(self.read_batch(batch, replies))
            if len(replies) > count:
                cursor.next_due_s = self.read_promoted(replies[count:])
            return cursor.next_due_s is None and not ops.leave_work(results)

        popped, now_ms = yield Wait(
            cursor.hosts[0],
            [request.command for request in requests],
            cursor.queues[turn],
            block_s,
            go_on,
        )
        if popped is None:
            return results, None
        keys = cursor.by_queue[popped[0]]
        return results, (yield from self._read_first(cursor, keys, popped[1], now_ms))

    def _read_first(self, cursor, keys, data, now_ms):
        """The Delivery in what was popped, unless it is a wake-up, expired or unreadable."""
        if envelopes.kind_of(data) == envelopes.WAKE:
            cursor.wake()
            return None
        if envelopes.expires_ms(data) <= now_ms:
            yield from self._note_expired(keys, cursor.hosts[0], 1)
            return None
        return (yield from self._parse(cursor, keys, cursor.hosts[0], data))

    def _look_further(self, cursor, turn, other_hosts, block_s):
        """Try the other hosts, then wait on all of them."""
        for host in other_hosts:
            (reply,) = yield [Request(host, cursor.receive[turn])]
            delivery = yield from self._read_received(cursor, turn, host, reply)
            if delivery is not None:
                return delivery
        if block_s <= 0 or cursor.is_woken():
            return None
        if cursor.next_due_s is not None:
            block_s = min(block_s, cursor.next_due_s)
            cursor.promote_at_s = 0.0
        answers = yield Block(cursor.hosts, cursor.queues[turn], block_s)
        return (yield from self._read_popped(cursor, answers))

    def _read_popped(self, cursor, answers):
        delivery = None
        for host, reply in answers:
            queue, data = check(reply)
            if envelopes.kind_of(data) == envelopes.WAKE:
                cursor.wake()
            elif delivery is None:
                delivery = yield from self._parse(cursor, cursor.by_queue[queue], host, data)
            else:
                yield [Request(host, ("LPUSH", queue, data))]
        return delivery

    def _read_received(self, cursor, turn, host, reply):
        rotation = cursor.rotations[turn]
        if isinstance(reply, LayerUnavailable) and len(cursor.hosts) > 1:
            return None  # the others go on
        index, data, *expired = check(reply)
        for position, count in zip(expired[::2], expired[1::2], strict=True):
            yield from self._note_expired(rotation[position - 1], host, count)
        if index < 0:
            cursor.wake()
        if index <= 0:
            return None
        return (yield from self._parse(cursor, rotation[index - 1], host, data))

    def tell_expired(self, keys, count):
        """Log that messages have expired."""
        self.drops.warn(
            keys.name,
            "expired",
            count,
            "%d message(s) on %s expired unread (they live %s s): add workers, or raise its expiry",
            count,
            keys.name,
            self.get_expiry(keys.name),
        )

    def _note_expired(self, keys, host, count):
        self.tell_expired(keys, count)
        yield self.count_requests(keys.name, "expired", count, host)

    def _parse(self, cursor, keys, host, data):
        if envelopes.kind_of(data) == envelopes.TOKEN:
            return (yield from self.acknowledged.read(keys, host, cursor.is_direct))
        try:
            envelope = envelopes.parse(data)
            content = self.codec.unpack_message(envelope.body)
        except (envelopes.MalformedEnvelope, UndecodableMessage) as error:
            yield from self.note_undecodable(keys, host, error)
            return None
        return RedisDelivery(
            keys.name,
            content,
            envelope.attempts,
            token=(host, keys, data),
            clients=envelope.clients,
        )

    def note_undecodable(self, keys, host, error):
        """Plan: tell of a message that can't be read."""
        self.drops.error(
            keys.name,
            "undecodable",
            1,
            "a message on %s was dropped: it can't be read: %s",
            keys.name,
            error,
        )
        yield self.count_requests(keys.name, "undecodable", 1, host)

    def promote_requests(self, all_keys, hosts):
        """Requests that move due delayed messages of these queues to where they are received."""
        owned = [keys for keys in all_keys if self.acknowledged.has(keys)]
        requests = self._promote_requests([keys for keys in all_keys if keys not in owned], hosts)
        if owned:
            requests += [self.acknowledged.promote_request(owned, host) for host in hosts]
        return requests

    def _promote_requests(self, all_keys, hosts):
        delayed = [keys for keys in all_keys if not keys.is_single_reader]
        queue_keys = [key for keys in delayed for key in (keys.queue, keys.later, keys.counts)]
        args = []
        for keys in delayed:
            args += [self.get_capacity(keys.name), *self.lives_ms(keys)]
        return [Request(host, scripts.PROMOTE.call(queue_keys, args)) for host in hosts]

    @staticmethod
    def read_promoted(replies):
        """Seconds until the next delayed message is due, or None; hosts that are away are passed
        over."""
        waits = [check(reply) for reply in replies if not isinstance(reply, LayerUnavailable)]
        waits = [wait for wait in waits if wait >= 0]
        return min(waits) / 1000 if waits else None

    # -- what a worker leaves to be done ------------------------------------------------------

    def read_batch(self, batch, replies):
        """The results of the parts of a batch, each from its own replies; the LayerUnavailable of a
        part whose host is away is its result."""
        position = 0
        for requests, read in batch:
            try:
                yield read(replies[position : position + len(requests)])
            except LayerUnavailable as error:
                yield error
            position += len(requests)

    def send_part(self, operation, row=None):
        """The part of a batch that sends one message."""
        request = self.send_request(operation, row)
        return [request], lambda replies: self.read_sent(operation, replies[0])

    def drop_part(self, operation):
        """The part of a batch that counts messages as lost."""
        requests = self.count_requests(operation.channel, operation.reason, operation.count)
        return requests, read_nothing

    def done_part(self, operation):
        """The part that acknowledges a delivery, if it wants that."""
        token = operation.delivery.token
        if isinstance(token, Entry):
            return [self.acknowledged.done_request(token)], read_nothing
        return [], read_nothing

    def retry_part(self, operation):
        """The part that puts a delivery back, to be received again after a while."""
        delivery, delay_s = operation.delivery, operation.delay_s
        attempts = delivery.attempts + 1
        if isinstance(delivery.token, Entry):
            return [self.acknowledged.retry_request(delivery.token, delay_s)], read_nothing
        if delay_s <= 0:
            return [self._put_back_request(delivery, attempts, "RPUSH")], read_nothing
        payload = self.codec.pack_message(delivery.content, delivery.channel)
        request = self._delay_request(delivery.channel, payload, delay_s, attempts)
        return [request], read_nothing

    def put_back_part(self, operation):
        """The part that puts a delivery back to the front, as it was."""
        delivery = operation.delivery
        if delivery.token is None:
            return [self._put_back_request(delivery, delivery.attempts, "LPUSH")], read_nothing
        if isinstance(delivery.token, Entry):
            return [self.acknowledged.put_back_request(delivery.token)], read_nothing
        host, keys, data = delivery.token
        ttl_ms = self.lives_ms(keys)[1]
        return [
            Request(host, ("LPUSH", keys.queue, data)),
            Request(host, ("PEXPIRE", keys.queue, ttl_ms)),
        ], read_nothing

    def put_back(self, channel, message):
        """Plan: a message that was received, but reached nobody, goes to the front again."""
        requests, read = self.put_back_part(ops.PutBack(ops.Delivery(channel, message)))
        read((yield requests))

    def _put_back_request(self, delivery, attempts, side):
        keys = self.keyspace.queue(delivery.channel)
        payload = self.codec.pack_message(delivery.content, delivery.channel)
        if self.acknowledged.has(keys):
            return self.acknowledged.put_request(keys, payload, attempts)
        kind, rest = self.kind_and_rest(keys, delivery.channel, payload)
        args = [*self.lives_ms(keys), min(attempts, 255), kind, rest, side]
        return Request(self.host_for(keys), scripts.PUT_BACK.call([keys.queue], args))

    def count_requests(self, channel, reason, count, host=None):
        """Requests that count messages of a channel that were lost for a reason. What is counted of
        single-reader channels is not kept: they live for one request."""
        keys = self.keyspace.queue(channel)
        if keys.is_single_reader:
            return []
        host = keys.host if host is None else host
        return [
            Request(host, ("HINCRBY", keys.counts, reason, count)),
            Request(host, ("PEXPIRE", keys.counts, COUNTS_TTL_MS)),
        ]
