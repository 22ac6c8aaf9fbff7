"""Getting what a consumer sent out of the door, also when a channel is full or Redis away.

Sends to a reply channel wait while its server lives; sends to other channels wait as long as 1.x
did. A server that stayed full is not waited for again until something got through. What goes to
one reply channel goes out in order: after one message was given up, none behind it is sent.

Where the whole layer is away `apply` raises: the loop repeats, without limit, what is kept by
`after_an_outage`. A LayerUnavailable among the results is of one host of several: it is waited for
here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from channels.exceptions import ClientBusy, ClientGone, HeldBack, LayerUnavailable
from channels.handler import CUT_OFF
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.backoff import Backoff
from channels.layers.drops import Drops
from channels.utils import name_that_thing
from worker.rows import Rows

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.contract import Result
    from channels.layers.operations import Operation
    from routing.routes import Consumer
    from worker.rows import RefusedOperation

logger = logging.getLogger("django.channels")

#: Seconds to wait for room in a plain channel (Channels 1.x: 2 s) and in a reply channel.
PLAIN_PATIENCE_S, REPLY_PATIENCE_S = 2.0, 10.0
#: Seconds for which a client may take nothing of its response; as ViewConsumer.stall_timeout_s.
RESPONSE_PATIENCE_S = 60.0
#: Seconds to wait for one of several hosts that is away; interface servers move off it meanwhile.
HOST_PATIENCE_S = 2.5
#: Between two tries, growing from the first to the second.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.2
#: Seconds between two looks at whether the server of a reply channel is still there, ...
LIFE_CHECK_S = 1.0
#: ... and between two tries to end turns that could not be ended.
TURN_CHECK_S = 0.5


class Flusher:
    """Repeats the operations of one consumer that were refused, for as long as there is hope.

    Attributes:
        put_off: by socket: what was left to be done of an ordered message as its host went away.
    """

    def __init__(
        self,
        layer: BaseChannelLayer,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        drops: Drops | None = None,
    ) -> None:
        self._drops = drops or Drops(logger)
        self._layer, self._clock, self._sleep = layer, clock, sleep
        #: The queues of servers that stayed full, or away.
        self._congested: set[str] = set()
        self.put_off: dict[str, list[Operation]] = {}
        self._next_try_s = 0.0

    def settle(
        self,
        operations: Sequence[Operation],
        results: Sequence[Result],
        consumer: Consumer | None,
    ) -> list[ops.Delivery]:
        """Repeat what was refused in `operations`, in order, until it went out or is given up.

        Returns the ordered messages that were set free on the way: they are to be put back.
        """
        freed: list[ops.Delivery] = []
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        rows = Rows(operations, self._clock(), answers_once=self._layer.answers_once)
        refused = self._refused(operations, results, [])
        while refused := self._give_up_some(
            self._put_off_turns(refused, rows, consumer), rows, consumer
        ):
            if rows.has_moved:
                backoff.reset()
            else:
                self._sleep(backoff.next_s())
            refused = self._try_again(refused, rows, freed)
        return freed

    def _refused(
        self,
        operations: Sequence[Operation],
        results: Sequence[Result],
        freed: list[ops.Delivery],
    ) -> list[RefusedOperation]:
        """The (operation, refusal) pairs; channels where something got through are well again."""
        refused: list[RefusedOperation] = []
        for operation, result in zip(operations, results, strict=True):
            if isinstance(result, Exception):
                refused.append((operation, result))
            elif isinstance(result, ops.Delivery):
                freed.append(result)
            elif self._congested and type(operation) is ops.Send:
                self._congested.discard(names.queue_name(operation.channel))
        return refused

    def _try_again(
        self, refused: list[RefusedOperation], rows: Rows, freed: list[ops.Delivery]
    ) -> list[RefusedOperation]:
        chosen, rest = rows.choose(refused)
        operations = [operation for operation, _ in chosen]
        results = self._try(operations)
        rows.note(operations, results, self._clock())
        return self._refused(operations, results, freed) + rest

    def _try(self, operations: list[Operation]) -> list[Result]:
        try:
            return self._layer.apply(operations)
        except LayerUnavailable as error:
            return [error] * len(operations)

    # -- turns that can't end -------------------------------------------------------------------

    def end_turns(self, *, at_once: bool = False) -> list[ops.Delivery]:
        """Now and then, or `at_once`, try again what was put off; returns as `settle` does."""
        freed: list[ops.Delivery] = []
        if not self.put_off or (self._clock() < self._next_try_s and not at_once):
            return freed
        self._next_try_s = self._clock() + TURN_CHECK_S
        put_off, self.put_off = self.put_off, {}
        for socket, operations in put_off.items():
            results = self._try(operations)
            if not any(isinstance(result, LayerUnavailable) for result in results):
                self._congested.discard(names.queue_name(socket))
            freed += self.settle(operations, results, None)
            freed += [result for result in results if isinstance(result, ops.Delivery)]
        return freed

    def _put_off_turns(
        self, refused: list[RefusedOperation], rows: Rows, consumer: Consumer | None
    ) -> list[RefusedOperation]:
        """Of ordered messages whose sockets lie on a host that stays away, put off all that is
        left: until their turns have ended, nothing runs in these sockets, and their worker lives.
        The rest of `refused` is returned."""
        sockets = {
            _channel_of(operation)
            for operation, refusal in refused
            if type(operation) in (ops.FinishOrdered, ops.ReleaseOrdered)
            and isinstance(refusal, LayerUnavailable)
            and self._is_hopeless(operation, refusal, rows)
        }
        rest: list[RefusedOperation] = []
        for operation, refusal in refused:
            channel = _channel_of(operation)
            may_wait = channel in sockets and not isinstance(refusal, ClientGone)
            if may_wait and _may_be_repeated(operation, refusal, rows):
                self.put_off.setdefault(channel, []).append(operation)
            else:
                rest.append((operation, refusal))
        for socket in sockets:
            self._tell_put_off(names.queue_name(socket), consumer)
        return rest

    def _tell_put_off(self, queue: str, consumer: Consumer | None) -> None:
        if queue not in self._congested:
            self._congested.add(queue)
            text = "what %s left to be done at a host that is away is done when it is back"
            self._drops.warn(queue, "put off", 1, text, name_that_thing(consumer))

    # -- giving up ------------------------------------------------------------------------------

    def _give_up_some(
        self, refused: list[RefusedOperation], rows: Rows, consumer: Consumer | None
    ) -> list[RefusedOperation]:
        """The pairs of `refused` for which there is hope."""
        kept: list[RefusedOperation] = []
        waiting: set[str] = set()
        lost: list[tuple[list[Operation], Exception]] = []
        ended: dict[str | None, list[Operation]] = {}
        for operation, refusal in refused:
            channel = ops.row_of(operation)
            if channel in ended and type(operation) is ops.Send:
                ended[channel].append(operation)
            elif channel in waiting or not self._is_hopeless(operation, refusal, rows):
                kept.append((operation, refusal))
                if channel is not None:
                    waiting.add(channel)
            else:
                lost.append(([operation], refusal))
                if channel is not None and type(operation) is ops.Send:
                    ended[channel] = lost[-1][0]
        for operations, refusal in lost:
            kept += self._lose(operations, refusal, rows, consumer)
        return kept

    def _is_hopeless(self, operation: Operation, refusal: Exception, rows: Rows) -> bool:
        if isinstance(refusal, (ClientGone, HeldBack)):
            return isinstance(refusal, ClientGone)
        waited_s = rows.waited_s(operation, self._clock())
        queue = _queue_of(operation)
        if isinstance(refusal, LayerUnavailable):
            if not _may_be_repeated(operation, refusal, rows):
                return True
            return queue in self._congested or waited_s >= HOST_PATIENCE_S
        if "!" not in queue:
            return waited_s >= PLAIN_PATIENCE_S
        if queue in self._congested and not isinstance(refusal, ClientBusy):
            return True
        patience_s = RESPONSE_PATIENCE_S if _is_response(queue) else REPLY_PATIENCE_S
        return waited_s >= patience_s or not self._is_read(_channel_of(operation), rows)

    def _is_read(self, channel: str, rows: Rows) -> bool:
        """Whether somebody still reads a reply channel."""
        if not rows.is_due(channel, self._clock(), LIFE_CHECK_S):
            return True
        try:
            return bool(self._layer.is_read(channel))
        except LayerUnavailable:
            return True

    def _lose(
        self,
        operations: list[Operation],
        refusal: Exception,
        rows: Rows,
        consumer: Consumer | None,
    ) -> list[RefusedOperation]:
        """Give up operations, all of one row: tell of it, and count it; return what to do then."""
        channel = ops.row_of(operations[0])
        if isinstance(refusal, ClientGone) or channel in rows.cut_off:
            logger.debug("%s: %s", name_that_thing(consumer), refusal)
            return []
        queue = _queue_of(operations[0])
        waited_s = rows.waited_s(operations[0], self._clock())
        is_away = isinstance(refusal, LayerUnavailable)
        if "!" in queue and _says_it_of_all(refusal, operations[0], rows):
            self._congested.add(queue)
        self._drops.error(
            queue,
            "away" if is_away else "full",
            len(operations),
            _TEXTS[is_away],
            name_that_thing(consumer),
            waited_s,
            _and_more(operations),
            refusal,
        )
        if not is_away:
            self._count(queue, len(operations))
        if _is_response(queue) and (not is_away or channel in rows.parts):
            return self._cut_off(str(channel), rows)
        return []

    def _count(self, queue: str, count: int) -> None:
        try:
            self._layer.apply([ops.Drop(queue, "dropped", count)])
        except LayerUnavailable as error:
            logger.debug("lost messages were not counted: %s", error)

    def _cut_off(self, channel: str, rows: Rows) -> list[RefusedOperation]:
        """What is left to do so that the client takes no part of a response for a whole one."""
        rows.cut_off.add(channel)
        rows.parts.discard(channel)
        operation = self._layer.prepare_send(channel, CUT_OFF)
        return [(operation, HeldBack(channel, 0, 0))]


#: What is said of operations that are given up: as a channel is full, or as a host is away.
_TEXTS = (
    "a message that %s sent was dropped after %.1f s%s: %s",
    "what %s left to be done was lost after %.1f s%s: %s",
)


def _says_it_of_all(refusal: Exception, operation: Operation, rows: Rows) -> bool:
    """Whether a refusal that was waited for tells of the server, not of one client or message."""
    if isinstance(refusal, LayerUnavailable):
        return _may_be_repeated(operation, refusal, rows)
    return not isinstance(refusal, ClientBusy)


def _and_more(operations: Sequence[Operation]) -> str:
    count = len(operations) - 1
    return f", with {count} that it sent to the same channel after it" if count else ""


def _queue_of(operation: Operation) -> str:
    """The queue that an operation is about, "" if there is none."""
    return names.queue_name(_channel_of(operation))


def _channel_of(operation: Operation) -> str:
    """The channel that an operation is about, "" if there is none."""
    if isinstance(operation, (ops.Send, ops.Drop)):
        return operation.channel
    socket: str = getattr(operation, "reply_channel", "")
    return socket


def after_an_outage(
    operations: Sequence[Operation], error: LayerUnavailable, layer: BaseChannelLayer
) -> list[Operation]:
    """What of `operations` may be repeated when the layer failed with `error` while they went out.

    If nothing was sent, all of it. Else their fate is unknown: what does no harm when it is done
    twice is repeated (a second reply to a request finds nobody, and a layer may know the answer to
    an ordered message again); other messages are not, so that none comes twice. A response of
    several parts is cut off.
    """
    rows = Rows(operations, answers_once=layer.answers_once)
    kept = [each for each in operations if _may_be_repeated(each, error, rows)]
    lost = [each for each in operations if not _may_be_repeated(each, error, rows)]
    if lost:
        logger.error("%d message(s) may be lost: Redis went away while they were sent", len(lost))
    broken = dict.fromkeys(
        each.channel for each in lost if type(each) is ops.Send and _is_response(each.channel)
    )
    return [
        *kept,
        *(drop for operation in lost for drop in _count_as_lost(operation)),
        *(layer.prepare_send(channel, CUT_OFF) for channel in broken),
    ]


def _may_be_repeated(operation: Operation, error: Exception, rows: Rows) -> bool:
    """Whether what was refused so may be tried again, without being carried out twice."""
    was_sent = isinstance(error, LayerUnavailable) and error.was_sent
    return not was_sent or _is_harmless_twice(operation, rows)


def _count_as_lost(operation: Operation) -> list[Operation]:
    """What counts the message of an operation that may not have been carried out."""
    if type(operation) is ops.Send:
        return [ops.Drop(names.queue_name(operation.channel), "lost")]
    if isinstance(operation, (ops.Retry, ops.DeadLetter, ops.Done, ops.PutBack)):
        return [ops.Drop(operation.delivery.channel, "lost")]
    return []  # a group's: nobody knows whose it would have been


def _is_harmless_twice(operation: Operation, rows: Rows) -> bool:
    if type(operation) is ops.Send:
        if operation.channel in rows.answers:
            return True
        is_whole = operation.channel not in rows.parts
        return is_whole and _is_response(operation.channel) and not operation.delay_s
    return type(operation) not in (ops.SendGroup, ops.Retry, ops.PutBack, ops.DeadLetter)


def _is_response(channel: str) -> bool:
    return channel.startswith("http.response.")
