"""Getting what a consumer sent out of the door, also when a channel is full or Redis away.

Sends to a reply channel wait while its server lives; sends to other channels wait as long as 1.x
did. A server that stayed full is not waited for again until something got through.
"""

import logging
import time

from channels.exceptions import ClientGone, LayerUnavailable
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.drops import Drops
from channels.utils import name_that_thing

logger = logging.getLogger("django.channels")

#: Seconds to wait for room in a plain channel (Channels 1.x: 2 s) and in a reply channel.
PLAIN_PATIENCE_S, REPLY_PATIENCE_S = 2.0, 10.0
#: Seconds to wait for one of several hosts that is away; interface servers move off it meanwhile.
HOST_PATIENCE_S = 2.5
#: Between two tries, growing from the first to the second.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.2


class Flusher:
    """Repeats the operations of one consumer that were refused, for as long as there is hope."""

    def __init__(self, layer, clock=time.monotonic, sleep=time.sleep, *, drops=None):
        self._drops = drops or Drops(logger)
        self._layer, self._clock, self._sleep = layer, clock, sleep
        self._congested = set()

    def settle(self, operations, results, consumer):
        """Repeat what was refused in `operations`, in order, until it went out or is given up.

        Returns the ordered messages that were set free on the way: they are to be put back.
        """
        freed = []
        refused = self._refused(operations, results, [])
        started, pause_s = self._clock(), FIRST_PAUSE_S
        while True:
            waited_s = self._clock() - started
            refused = [item for item in refused if not self._give_up(*item, waited_s, consumer)]
            if not refused:
                return freed
            self._sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            refused = self._try_again(refused, freed)

    def _refused(self, operations, results, freed):
        """The (operation, refusal) pairs; channels where something got through are well again."""
        refused = []
        for operation, result in zip(operations, results, strict=True):
            if isinstance(result, Exception):
                refused.append((operation, result))
            elif isinstance(result, ops.Delivery):
                freed.append(result)
            elif self._congested and type(operation) is ops.Send:
                self._congested.discard(names.queue_name(operation.channel))
        return refused

    def _try_again(self, refused, freed):
        operations = [operation for operation, _ in refused]
        try:
            return self._refused(operations, self._layer.apply(operations), freed)
        except LayerUnavailable as error:
            return [(operation, error) for operation in operations]

    def _give_up(self, operation, refusal, waited_s, consumer):
        if isinstance(refusal, ClientGone):
            logger.debug("%s: %s", name_that_thing(consumer), refusal)
            return True
        if isinstance(refusal, LayerUnavailable):
            return self._give_up_host(operation, refusal, waited_s, consumer)
        queue = names.queue_name(operation.channel)
        is_reply = "!" in queue
        patience_s = REPLY_PATIENCE_S if is_reply else PLAIN_PATIENCE_S
        if is_reply and (queue in self._congested or not self._is_read(operation.channel)):
            patience_s = 0.0
        if waited_s < patience_s:
            return False
        if is_reply:
            self._congested.add(queue)
        self._count(queue, "dropped")
        self._drops.error(
            queue, "full", 1, "a message that %s sent was dropped after %.1f s: %s",
            name_that_thing(consumer), waited_s, refusal,
        )  # fmt: skip
        return True

    def _give_up_host(self, operation, refusal, waited_s, consumer):
        """One of several hosts is away: repeat what may be repeated, for a while."""
        queue = _queue_of(operation)
        if _may_be_repeated(operation, refusal) and queue not in self._congested:
            if waited_s < HOST_PATIENCE_S:
                return False
            if "!" in queue:
                self._congested.add(queue)
        self._drops.error(
            queue, "away", 1, "what %s left to be done was lost after %.1f s: %s",
            name_that_thing(consumer), waited_s, refusal,
        )  # fmt: skip
        return True

    def _count(self, queue, reason):
        try:
            self._layer.apply([ops.Drop(queue, reason)])
        except LayerUnavailable as error:
            logger.debug("a lost message was not counted: %s", error)

    def _is_read(self, channel):
        """Whether somebody still reads a reply channel; plain channels always might be."""
        try:
            return "!" not in channel or self._layer.is_read(channel)
        except LayerUnavailable:
            return True


def _queue_of(operation):
    """The queue that an operation is about, "" if there is none."""
    for name in ("channel", "reply_channel"):
        if hasattr(operation, name):
            return names.queue_name(getattr(operation, name))
    return ""


def after_an_outage(operations, error):
    """What of `operations` may be repeated when the layer failed with `error` while they went out.

    If nothing was sent, all of it. Else their fate is unknown: what does no harm when it is done
    twice is repeated (a second reply to a request finds nobody); messages are not, so that none
    comes twice.
    """
    kept = [operation for operation in operations if _may_be_repeated(operation, error)]
    lost = [operation for operation in operations if not _may_be_repeated(operation, error)]
    if lost:
        logger.error("%d message(s) may be lost: Redis went away while they were sent", len(lost))
    return [*kept, *(drop for operation in lost for drop in _count_as_lost(operation))]


def _may_be_repeated(operation, error):
    return not error.was_sent or _is_harmless_twice(operation)


def _count_as_lost(operation):
    """What counts the message of an operation that may not have been carried out."""
    if type(operation) is ops.Send:
        return [ops.Drop(names.queue_name(operation.channel), "lost")]
    if hasattr(operation, "delivery"):
        return [ops.Drop(operation.delivery.channel, "lost")]
    return []  # a group's: nobody knows whose it would have been


def _is_harmless_twice(operation):
    if type(operation) is ops.Send:
        return operation.channel.startswith("http.response.") and not operation.delay_s
    return type(operation) not in (ops.SendGroup, ops.Retry, ops.PutBack, ops.DeadLetter)
