"""The round trip of a worker thread: what a consumer has left is carried out, the next message is
taken, and what the thread knows already is not asked for. See `channels.layers.contract.Reader`."""

import functools
import itertools
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.contract import ForeseenSession, Reader
from channels.layers.redis.groups.membership import Groups
from channels.layers.redis.ordering.sockets import KNOWN_FOR_S, Sockets
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.queues.delivery import Taken
from channels.layers.redis.queues.receiving import Receiving, read_batch
from channels.layers.redis.queues.rules import Rules
from channels.layers.redis.queues.sending import Row
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.plans import Part, Plan, Request
from channels.layers.redis.transport.sync import SyncDriver, SyncReader
from channels.layers.redis.transport.sync_connection import Ahead
from channels.layers.redis.transport.wire import raise_if_all_are_away

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer

#: Now and then it is asked all the same, which renews the life of the socket's keys.
ASK_EVERY = 100
#: Of so many sockets at most.
KNOWN_SOCKETS = 4096
#: The one channel that is never sent to twice, not even when an answer of Redis was lost.
_SENT_ONCE = "websocket.receive"


#: What makes the part of a batch, by the kind of its operation.
PartMakers = Mapping[type, Callable[..., Part]]


class Batches:
    """The plans that carry out what a consumer has left to be done, all of it in one pipeline.

    Args:
        rules, receiving, groups, sockets: of the layer.
        parts: what makes the part of each operation, but for group sends.
    """

    def __init__(
        self,
        rules: Rules,
        receiving: Receiving,
        groups: Groups,
        sockets: Sockets,
        parts: PartMakers,
    ) -> None:
        self._keyspace, self._receiving = rules.keyspace, receiving
        self._groups, self._sockets, self._parts = groups, sockets, parts
        #: What the marks of its pipelines are called: no two alike, even after a fork.
        self._mark, self._marks = secrets.token_hex(4), itertools.count()

    def take(
        self, cursor: Cursor, operations: Sequence[Any], block_s: float, now_s: float
    ) -> Plan[tuple[list[Any], ops.Delivery | None]]:
        """Plan: carry out operations and fetch the next message; see Reader.take."""
        groups = _groups_of(operations)
        queues = (yield from self._find_queues(groups)) if groups else {}
        batch, pushes = self._make(operations, queues)
        results, delivery = yield from self._receiving.take(
            cursor, batch, block_s, now_s, may_wait_at_once=self._may_wait(cursor, operations)
        )
        cursor.sets_free = any(results) and any(
            isinstance(result, ops.Delivery) for result in results
        )
        if pushes:
            yield from self._prune(pushes, results)
        return results, delivery

    def _may_wait(self, cursor: Cursor, operations: Sequence[Any]) -> bool:
        """Whether the wait for a message may be sent along with `operations`: not if they are
        likely to set one free, as when messages of an ordered socket overtake one another.

        Ablation: with one client, an echo takes 3 round trips of server and worker, not 4, and 19 %
        less CPU time; with 50 clients 8 % less.
        """
        if self._keyspace.host_count > 1:
            return False
        return not cursor.sets_free or not any(
            type(operation) is ops.FinishOrdered for operation in operations
        )

    def apply(self, operations: Sequence[Any]) -> Plan[list[Any]]:
        """Plan: carry out operations; see BaseChannelLayer.apply."""
        groups = _groups_of(operations)
        queues = (yield from self._find_queues(groups)) if groups else {}
        batch, pushes = self._make(operations, queues)
        replies = yield [request for part, _ in batch for request in part]
        raise_if_all_are_away(replies, len(replies))
        results = list(read_batch(batch, replies))
        if pushes:
            yield from self._prune(pushes, results)
        return results

    def _find_queues(self, groups: Sequence[str]) -> Plan[dict[str, list[str]]]:
        """Plan: the queues in which members of each of `groups` are."""
        try:
            return (yield from self._groups.queues_of(list(dict.fromkeys(groups))))
        except LayerUnavailable as error:  # of a question; nothing else was sent yet
            raise LayerUnavailable(str(error), was_sent=False) from error

    def _make(
        self, operations: Sequence[Any], queues: Mapping[str, list[str]]
    ) -> tuple[list[Part], list[tuple[int, str]]]:
        """The parts that carry out `operations`, in order, and the places of those that send to a
        group, whose queues are in `queues`, with its name."""
        batch: list[Part] = []
        pushes: list[tuple[int, str]] = []
        rows = self._make_rows(operations) if len(operations) > 1 else {}
        for position, operation in enumerate(operations):
            if type(operation) is ops.SendGroup:
                pushes.append((position, operation.group))
                batch.append(self._groups.push_part(operation, queues[operation.group]))
            elif position in rows:
                batch.append(rows[position])
            else:
                batch.append(self._parts[type(operation)](operation))
        return batch, pushes

    def _make_rows(self, operations: Sequence[Any]) -> dict[int, Part]:
        """The parts of the operations that stand in a row with others, by their positions."""
        parts: dict[int, Part] = {}
        kinds = list(map(type, operations))
        if kinds.count(ops.Send) == kinds.count(ops.FinishOrdered) == 1:  # nearly always
            first, last = kinds.index(ops.Send), kinds.index(ops.FinishOrdered)
            reply, end = operations[first], operations[last]
            is_pair = last == first + 1 and reply.channel == end.reply_channel
            if is_pair and "!" in reply.channel and reply.delay_s <= 0:
                parts[first], parts[last] = self._sockets.reply_and_finish_parts(reply, end)
                return parts
        for channel, places in ops.find_rows(operations):
            first, last = places[0], places[-1]
            if last == first + 1 and ops.is_answer(operations[first : last + 1]):
                parts[first], parts[last] = self._sockets.reply_and_finish_parts(
                    operations[first], operations[last]
                )
                continue
            name = f"{self._mark}{os.getpid()}.{next(self._marks)}"
            mark = self._keyspace.mark(channel, name)
            for place in places:
                row = Row(mark, {first: "first", last: "last"}.get(place, "more"))
                parts[place] = self._parts[type(operations[place])](operations[place], row)
        return parts

    def _prune(self, pushes: Sequence[tuple[int, str]], results: list[Any]) -> Plan[None]:
        """Forget queues that turned out to have no members; a group send's result is None."""
        for position, group in pushes:
            empty, results[position] = results[position], None
            if empty:
                yield self._groups.prune_requests(group, empty)


def _groups_of(operations: Sequence[Any]) -> list[str]:
    return [each.group for each in operations if type(each) is ops.SendGroup]


class RedisReader(Reader):
    """One worker thread's way to its messages."""

    def __init__(
        self,
        layer: "RedisChannelLayer",
        driver: SyncDriver,
        hosts: Sequence[Host],
        cursor: Cursor,
    ) -> None:
        self._layer, self._driver, self._cursor = layer, driver, cursor
        self._reader = SyncReader(driver, hosts)
        self._turns = KnownTurns()
        #: The session that was asked for ahead, until it is taken.
        self._session: Ahead | None = None
        #: The thread that takes: the connection is its own.
        self._thread = 0

    def take(
        self, operations: Sequence[ops.Operation] = (), block_s: float = 0.0
    ) -> tuple[list[Any], ops.Delivery | None]:
        self._thread, self._session = threading.get_ident(), None
        self._layer.runs_in_order.pop(self._thread, None)
        # Turns are known from here on, not from when the answer was read: that may be much later.
        now_s = time.monotonic()
        plan = self._layer.batches.take(self._cursor, operations, block_s, now_s)
        try:
            results, delivery = self._driver.run(plan, self._reader)
        except LayerUnavailable:
            self._turns.forget()
            raise
        for operation, result in zip(operations, results, strict=True):
            if type(operation) is ops.FinishOrdered and not isinstance(result, Exception):
                self._turns.note_end(operation, result, now_s)
                if result is not None:
                    result.reader = self
        if self._cursor.is_cut_off:
            self._cursor.is_cut_off = False
            self._turns.forget()
        if delivery is not None:
            delivery.reader = self
        return results, delivery

    def foresee_session(self, reply_channel: str) -> ForeseenSession | None:
        # Ablation: a message with a session waits for 2 round trips, not 3.
        request = self._layer.sockets.session_request(reply_channel)
        try:
            connection = self._reader.connection(request.host)
            self._session = ahead = connection.write_ahead([request.command])
        except LayerUnavailable:
            self._turns.forget()
            return None
        return functools.partial(self._take_foreseen, reply_channel, ahead)

    def _take_foreseen(self, reply_channel: str, ahead: Ahead) -> dict[str, Any] | None:
        if self._session is not ahead or self._thread != threading.get_ident():
            return None
        self._session = None
        replies = ahead.get()
        return self._layer.sockets.read_session(reply_channel, replies[0]) if replies else None

    def begin_ordered(
        self, delivery: ops.Delivery, reply_channel: str, order: int, owner: str
    ) -> ops.Turn:
        if self._has_turn(delivery, reply_channel, order):
            self._write_note(
                self._layer.sockets.note_begin_request(delivery, reply_channel, order, owner)
            )
            self._layer.runs_in_order[self._thread] = delivery.channel
            turn = ops.Turn.RUN
        else:
            turn = self._layer.begin_ordered(delivery, reply_channel, order, owner)
        if turn is ops.Turn.RUN:
            self._turns.note_begin(reply_channel, order)
        return turn

    def _has_turn(self, delivery: ops.Delivery, reply_channel: str, order: int) -> bool:
        """Whether it is known, without asking, that an ordered delivery may run."""
        if self._thread != threading.get_ident():  # whose connection is not to be written to
            return False
        return self._turns.is_next(delivery, reply_channel, order, time.monotonic())

    def _write_note(self, request: Request) -> None:
        try:
            self._reader.connection(request.host).write_only(request.command)
        except LayerUnavailable:
            self._turns.forget()
            raise

    def interrupt(self) -> None:
        self._reader.interrupt()

    def close(self) -> None:
        self._reader.close()


class KnownTurns:
    """The next order of each socket whose last message this thread has ended.

    A message of a socket reaches one worker only, and once; if it has vanished, its copy comes
    later than a turn is known, and never runs without asking (see ordering/stuck.py). So who has
    run message k - 1, ended it, and was told that nothing waited for that, knows that k may run as
    soon as it comes: nobody else has it, and nobody else can let it run. That it runs is written
    down all the same, for the case that the worker dies; but there is no answer to wait for.

    Ablation: an ordered message waits for 2 round trips, not 3.
    """

    def __init__(self) -> None:
        self._next: dict[str, tuple[int, float]] = {}
        #: What runs in this thread: (reply channel, order).
        self._begun: tuple[str, int] | None = None

    def note_begin(self, reply_channel: str, order: int) -> None:
        """The turn of a message has begun in this thread."""
        self._begun = reply_channel, order

    def note_end(self, operation: ops.FinishOrdered, freed: object, now_s: float) -> None:
        """A FinishOrdered that was sent at `now_s` was carried out; `freed` is its result."""
        self._next.pop(operation.reply_channel, None)  # the latest goes to the end
        begun, self._begun = self._begun, None
        if freed is not None or begun != (operation.reply_channel, operation.order):
            return
        self._next[operation.reply_channel] = (operation.order + 1, now_s + KNOWN_FOR_S)
        if len(self._next) > KNOWN_SOCKETS:
            del self._next[next(iter(self._next))]

    def forget(self) -> None:
        """Redis was away: it may have come back without knowing whose turn it is."""
        self._next.clear()
        self._begun = None

    def is_next(self, delivery: ops.Delivery, reply_channel: str, order: int, now_s: float) -> bool:
        """Whether a delivery may run. It is asked once for each."""
        if delivery.channel != _SENT_ONCE:
            return False
        known = self._next.pop(reply_channel, None)
        if known is None or known[0] != order or now_s > known[1] or order % ASK_EVERY == 0:
            return False
        # A message that was parked, asked for a retry or is owned may have been seen before.
        return type(delivery.token) is Taken and delivery.attempts == 0
