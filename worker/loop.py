"""The loop of one consumer thread: take a message, run its consumer, send what it left, take the
next.

What a consumer leaves and the next message travel in one round trip. The thread ends only when it
is told to stop, and then with nothing in its hands.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

from channels.consuming.session_stores import are_kept_in
from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.backoff import Backoff
from channels.message import Message, pending_message_store
from channels.metrics import hooks
from channels.signals import consumer_finished, consumer_started
from channels.tracing import hooks as tracing
from channels.utils import name_that_thing
from worker.advice import tell_of_open_handshake, tell_of_unknown_keys
from worker.dispatch import DONE, Failed, Later, is_end_awaited, report_failure, run_consumer
from worker.flush import TURN_CHECK_S, Flusher, after_an_outage
from worker.last_words import answer_for
from worker.rows import FEW, hold_back, length_of_pipeline

if TYPE_CHECKING:
    from channels.channel import KeptEntry
    from channels.layers.base import BaseChannelLayer
    from channels.layers.contract import Result
    from channels.layers.operations import Delivery, Operation
    from routing.matching import Match
    from worker.dispatch import Outcome
    from worker.process import Worker

logger = logging.getLogger("django.channels")

#: Longest wait for a message in one go; nothing depends on it but how often an idle worker wakes.
WAIT_S = 30.0
#: The same where a worker's own `termed` is asked before each message.
ASKING_WAIT_S = 0.05
#: Pauses while the layer is away: doubled from the first to the second.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0
#: A retry comes after 0.1 s, then twice as long each time, up to 5 s: 26 s for ten.
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 5.0


class ConsumerThread(threading.Thread):
    """Takes messages and runs consumers until `stopping` is set."""

    def __init__(self, worker: Worker, number: int) -> None:
        super().__init__(name=f"consumer-{number}", daemon=True)
        self._worker = worker
        self._layer = worker.channel_layer
        self._stopping = worker.stopping
        self._flusher = Flusher(self._layer, drops=worker.drops)
        #: What it listens on.
        self.channels = worker.channels
        self._reader = self._layer.open_reader([*sorted(self.channels), worker.orders])
        #: What the last consumer left to be done, and which consumer that was.
        self._operations: list[Operation] = []
        self._consumer: Callable[..., Any] | None = None
        #: Where the layer is away: how long to wait until it is tried again.
        self._backoff: Backoff | None = None
        self._asks_first = worker.asks_before_messages
        self._wait_s = ASKING_WAIT_S if self._asks_first else WAIT_S
        self._keeps_sessions = are_kept_in(self._layer)
        #: What runs now, for the status: (channel, consumer, since when), or None.
        self.running: tuple[str, Callable[..., Any], float] | None = None
        #: What is active before anybody has activated anything; of the thread itself.
        self._clean = contextvars.Context()

    def run(self) -> None:
        self._clean = contextvars.copy_context()
        while not self._is_finished():
            try:
                delivery = self._next_delivery()
                if delivery is not None:
                    self._consume(delivery)
            except LayerUnavailable as error:
                self._operations = after_an_outage(self._operations, error, self._layer)
                self._rest()
            except Exception:
                logger.exception("%s failed; it goes on with the next message", self.name)
                self._operations = []
                self._rest()
        self._put_back(self._flusher.end_turns(at_once=True))
        self._reader.close()

    def _is_finished(self) -> bool:
        """Told to stop, with nothing in hand; or with what can't be sent, as the layer is away."""
        if not self._stopping.is_set():
            if not self._asks_first or not self._worker.termed:
                return False
            self._stopping.set()
        if self._operations and self._backoff is not None and self._backoff.is_longest:
            logger.error("the layer is away: %d operation(s) are lost", len(self._operations))
            return True
        return not self._operations

    def _rest(self) -> None:
        """Wait before the layer is tried again, longer each time; not at all if told to stop with
        nothing left to send."""
        self._backoff = self._backoff or Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        pause_s = self._backoff.next_s()
        if self._operations:
            time.sleep(pause_s)
        else:
            self._stopping.wait(pause_s)

    def _next_delivery(self) -> Delivery | None:
        """Send what was left, and take the next message; when stopping, only send."""
        if len(self._operations) > FEW:
            self._send_ahead()
        if self._worker.host is not None:
            self._listen_where_there_is_room()
        wait_s = self._wait_s
        if self._flusher.put_off:
            self._put_back(self._flusher.end_turns())
            wait_s = min(wait_s, TURN_CHECK_S)
        operations = self._operations
        if self._stopping.is_set():
            results, delivery = self._layer.apply(operations), None
        else:
            results, delivery = self._reader.take(operations, wait_s)
        self._backoff = None
        self._operations = []
        return self._settle(operations, results, delivery) if any(results) else delivery

    def _listen_where_there_is_room(self) -> None:
        channels = self._worker.channels_with_room()
        if channels != self.channels:
            self._reader.close()
            self.channels = channels
            self._reader = self._layer.open_reader([*sorted(channels), self._worker.orders])

    def _send_ahead(self) -> None:
        """What is too long for one pipeline goes out before the next message is asked for."""
        operations = self._operations
        count = length_of_pipeline(operations)
        if count == len(operations):
            return
        results = [*self._layer.apply(operations[:count]), *hold_back(operations[count:])]
        self._backoff = None
        self._operations = []
        self._put_back([result for result in results if isinstance(result, ops.Delivery)])
        self._put_back(self._flusher.settle(operations, results, self._consumer))

    def _settle(
        self,
        operations: Sequence[Operation],
        results: Sequence[Result],
        delivery: Delivery | None,
    ) -> Delivery | None:
        """Wait for what was refused; return the delivery to run next.

        An ordered message that was set free is run here unless another has come along, or is not
        this worker's to run: then it goes to the front of its channel.
        """
        refused = any(isinstance(result, Exception) for result in results)
        freed = [result for result in results if isinstance(result, ops.Delivery)]
        back = []
        if delivery is not None and refused:  # others need not wait for what we wait for
            back.append(delivery)
            delivery = None
        for free in freed:
            mine = free.channel in self._worker.channels and not self._stopping.is_set()
            if delivery is None and mine and not refused:
                delivery = free
            else:
                back.append(free)
        self._put_back(back)
        if refused:
            self._put_back(self._flusher.settle(operations, results, self._consumer))
        return delivery

    def _put_back(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        operations = [ops.PutBack(delivery) for delivery in deliveries]
        while True:
            try:
                self._layer.apply(operations)
                return
            except LayerUnavailable as error:
                if error.was_sent:
                    logger.error(
                        "%d message(s) may be lost: Redis went away while they were put back",
                        len(operations),
                    )
                    return
            time.sleep(LONGEST_PAUSE_S)

    # -- one message ----------------------------------------------------------------------------

    def _consume(self, delivery: Delivery) -> None:
        """Run a delivery's consumer; note what it leaves to be done."""
        if delivery.channel == self._worker.orders:
            self._worker.obey(delivery.content)
            return
        message = Message(
            delivery.content,
            delivery.channel,
            self._worker.layer,
            delivery=delivery,
            worker_id=self._worker.id,
        )
        match, host = self._find(message), self._worker.host
        if match is None and host is not None and host.takes(delivery.channel):
            hooks.meter.messages_received(delivery.channel)
            host.take(delivery)
            self._operations = [ops.Done(delivery)]
            return
        if match is None:
            self._operations = [ops.Drop(delivery.channel, "dropped"), ops.Done(delivery)]
            return
        consumer, kwargs = match
        if self._worker.callback:
            self._worker.callback(delivery.channel, message)
        since = time.time()
        self.running = (delivery.channel, consumer, since)
        if message.reply_channel is not None and self._will_load_session(consumer):
            name = message.reply_channel.name
            message.foreseen_session = self._reader.foresee_session(name)
        # Each message begins clean, as a request does in Django's ASGI handler: a language, a time
        # zone or any other context variable that its consumer sets is gone for the next person.
        self._clean.copy().run(self._run_to_the_end, consumer, kwargs, message, delivery, since)
        self.running = None

    def _run_to_the_end(
        self,
        consumer: Callable[..., Any],
        kwargs: Mapping[str, Any],
        message: Message,
        delivery: Delivery,
        since: float,
    ) -> None:
        started = time.perf_counter()
        outcome, entries = self._run(consumer, message, kwargs)
        if hooks.meter.is_on or logger.isEnabledFor(logging.DEBUG):
            self._worker.note_run(delivery, consumer, since, time.perf_counter() - started)
        self._consumer = consumer
        self._operations = self._left_over(outcome, entries, delivery, message)

    def _find(self, message: Message) -> Match | None:
        try:
            match = self._worker.router.match(message)
        except Exception as error:  # a filter met a value it can't take
            report_failure(message, self._worker.router.match, error, self._worker.id)
            return None
        if match is None and not self._is_for_application(message.channel.name):
            self._worker.drops.error(
                message.channel.name,
                "no consumer",
                1,
                "no consumer for a message on %s: it was dropped; check the filters in routing",
                message.channel.name,
            )
        return match

    def _is_for_application(self, channel: str) -> bool:
        """Whether the application takes what no route takes."""
        return self._worker.host is not None and self._worker.host.takes(channel)

    def _will_load_session(self, consumer: Callable[..., Any]) -> bool:
        """Whether a consumer is about to ask the layer for the session of its socket. An ordered
        one asks once its turn has begun."""
        marks = getattr(consumer, "consumer_marks", ())
        return (
            self._keeps_sessions and "channel_session" in marks and "enforce_ordering" not in marks
        )

    def _run(
        self, consumer: Callable[..., Any], message: Message, kwargs: Mapping[str, Any]
    ) -> tuple[Outcome, list[KeptEntry]]:
        pending_message_store.prepare()
        if consumer_started.receivers:
            _signal(consumer_started, environ={})
        run = self._run_traced if tracing.tracer.is_on else self._run_wrapped
        outcome = run(consumer, message, kwargs)
        entries = pending_message_store.take()
        if message.channel.name == "websocket.connect" and outcome is DONE:
            tell_of_open_handshake(consumer, message, entries)
        if unknown := pending_message_store.unknown():
            tell_of_unknown_keys(consumer, unknown)
        if is_end_awaited():
            _signal(consumer_finished)
        return outcome, entries

    def _run_wrapped(
        self, consumer: Callable[..., Any], message: Message, kwargs: Mapping[str, Any]
    ) -> Outcome:
        wrapped = self._worker.wrap(consumer) if self._worker.middleware else consumer
        outcome = run_consumer(wrapped, message, kwargs)
        if isinstance(outcome, Failed):
            report_failure(message, consumer, outcome.error, self._worker.id)
        return outcome

    def _run_traced(
        self, consumer: Callable[..., Any], message: Message, kwargs: Mapping[str, Any]
    ) -> Outcome:
        name = name_that_thing(consumer)
        sent_at = message.delivery.sent_at if message.delivery is not None else None
        span = tracing.tracer.process(message.channel.name, name, message.content, sent_at)
        with span as running:
            outcome = self._run_wrapped(consumer, message, kwargs)
            if isinstance(outcome, Failed):
                running.fail(outcome.error)
        return outcome

    def _left_over(
        self, outcome: Outcome, entries: list[KeptEntry], delivery: Delivery, message: Message
    ) -> list[Operation]:
        """The operations to carry out now that the consumer has ended."""
        if isinstance(outcome, Later):
            entries = [
                (layer, op) for layer, op in entries if type(op) not in (ops.Send, ops.SendGroup)
            ]
        operations = self._send_elsewhere(entries)
        if isinstance(outcome, Later):
            retry = self._retry(delivery)
            if type(retry) is ops.DeadLetter:
                operations = [_end_turn(operation) for operation in operations]
            return [*operations, retry]
        if isinstance(outcome, Failed):
            operations += answer_for(self._layer, message, operations, outcome.error)
        if delivery.channel == "websocket.disconnect" and _was_last_of_socket(message):
            operations.append(ops.ForgetSocket(message.reply_channel.name))
        if delivery.needs_done:
            operations.append(ops.Done(delivery))
        return operations

    def _send_elsewhere(self, entries: Iterable[KeptEntry]) -> list[Operation]:
        """Carry out what is for other layers; return the operations for this one."""
        mine: list[Operation] = []
        others: dict[int, tuple[BaseChannelLayer, list[Operation]]] = {}
        for layer, operation in entries:
            layer = getattr(layer, "channel_layer", layer)
            if layer is self._layer:
                mine.append(operation)
            else:
                others.setdefault(id(layer), (layer, []))[1].append(operation)
        for layer, operations in others.values():
            try:
                flusher = Flusher(layer, drops=self._worker.drops)
                flusher.settle(operations, layer.apply(operations), self._consumer)
            except LayerUnavailable as error:
                logger.error(
                    "%d message(s) of %s were lost: %s",
                    len(operations),
                    name_that_thing(self._consumer),
                    error,
                )
        return mine

    def _retry(self, delivery: Delivery) -> ops.DeadLetter | ops.Retry:
        if delivery.attempts >= self._worker.message_retries:
            consumer = name_that_thing(self._consumer)
            reason = f"{consumer} asked for a retry {delivery.attempts + 1} times"
            logger.warning(
                "gave up a message on %s: %s; it is kept among the channel's dead letters",
                delivery.channel,
                reason,
            )
            hooks.meter.dead_lettered(delivery.channel)
            return ops.DeadLetter(delivery, reason)
        hooks.meter.retried(delivery.channel)
        delay_s = min(FIRST_RETRY_S * 2**delivery.attempts, LONGEST_RETRY_S)
        return ops.Retry(delivery, delay_s)

    def interrupt(self) -> None:
        """From another thread: wake up if waiting for a message."""
        self._reader.interrupt()


def _end_turn(operation: Operation) -> Operation:
    """An ordered message that is given up does not come again: its socket goes on without it."""
    if type(operation) is ops.ReleaseOrdered:
        return ops.FinishOrdered(operation.reply_channel, operation.order)
    return operation


def _was_last_of_socket(message: Message) -> bool:
    """Whether a disconnect has been consumed; an ordered one that came early waits in the layer."""
    return message.reply_channel is not None and not message.was_left_out


def _signal(signal: Signal, **kwargs: Any) -> None:
    if not signal.receivers:
        return
    for receiver, error in signal.send_robust(sender=ConsumerThread, **kwargs):
        if isinstance(error, Exception):
            logger.error("receiver %r raised", receiver, exc_info=error)
