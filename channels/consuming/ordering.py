"""`enforce_ordering`: the messages of one socket are consumed one after another, in their order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, overload

from channels.consuming.decorators import (
    Call,
    P,
    R,
    Steps,
    StepsFunction,
    run_consumer,
    wrap_consumer,
)
from channels.consuming.session_stores import channel_session_steps
from channels.exceptions import ConsumeLater, LayerUnavailable
from channels.layers.operations import Delivery, FinishOrdered, PutBack, ReleaseOrdered, Turn
from channels.message import pending_message_store
from channels.messages import CloseCode


@overload
def enforce_ordering(func: Callable[P, R], slight: bool = ...) -> Callable[P, R]: ...
@overload
def enforce_ordering(
    func: None = ..., slight: bool = ...
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def enforce_ordering(func: Callable[..., Any] | None = None, slight: bool = False) -> Any:
    """Decorate a consumer so that the messages of a socket run in order and one at a time.

    Across any number of workers, each message waits until the consumer of the one before it has
    ended, whichever consumer that was, if all of the socket's consumers are decorated. The channel
    session comes with it, as `message.channel_session`. A socket of which too many messages wait is
    closed with 1013. Raises ValueError for a message without `reply_channel` or `order`.

    `slight`: was another kind of ordering before Channels 1.0; True raises ValueError.
    """
    if slight:
        raise ValueError(
            "enforce_ordering(slight=True) is no more, ordering is always strict: write "
            "@enforce_ordering"
        )
    if func is None:
        return enforce_ordering
    return wrap_consumer(func, ordering_steps, "enforce_ordering", "channel_session")


def ordering_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    """The steps of `enforce_ordering`."""
    message = call.message
    if message.is_ordered:  # a decorator further out holds the turn
        yield from inner(call)
        return
    place = _Place(call)
    turn = yield place.begin
    if turn is Turn.OVERFLOW:
        yield place.give_up_socket
    message.was_left_out = turn is not Turn.RUN
    if message.was_left_out:
        return
    message.is_ordered = True
    will_retry = False
    try:
        # Loaded now, the session holds what the message before this one has left there.
        yield from channel_session_steps(call, inner)
    except ConsumeLater:
        will_retry = True
        raise
    finally:
        message.is_ordered = False
        yield from place.leave(will_retry)


class _Place:
    """The place of one message in the order of its socket."""

    def __init__(self, call: Call) -> None:
        call.require_reply_channel()
        message = call.message
        if "order" not in message:
            raise ValueError(
                f"{call} needs a message with an order, and this one has none: use it on "
                "websocket.connect, websocket.receive and websocket.disconnect only"
            )
        self.message = message
        self.name = message.reply_channel.name
        self.layer = message.reply_channel.channel_layer
        self.order = int(message.content["order"])
        self.owner = message.worker_id or "test"

    def begin(self) -> Turn:
        """Ask the layer whose turn it is; it parks a message that is early."""
        message = self.message
        # A consumer that a test calls has neither.
        delivery = message.delivery or Delivery(message.channel.name, message.content)
        asked = self.layer if delivery.reader is None else delivery.reader
        try:
            return asked.begin_ordered(delivery, self.name, self.order, self.owner)
        except LayerUnavailable as error:
            if not pending_message_store.active:
                raise
            # The message must not be lost, its socket would wait for it for ever; and if its turn
            # has begun all the same, it has to begin again.
            if error.was_sent:
                pending_message_store.append(self.layer, self._release())
            raise ConsumeLater from error

    def give_up_socket(self) -> None:
        self.message.reply_channel.send({"close": CloseCode.TRY_AGAIN_LATER})

    def leave(self, will_retry: bool) -> Steps:
        """Steps: end the turn, once all that the consumer sent has gone out."""
        operation: FinishOrdered | ReleaseOrdered
        operation = self._release() if will_retry else FinishOrdered(self.name, self.order)
        if pending_message_store.active:
            pending_message_store.append(self.layer, operation)
        else:
            yield functools.partial(self.leave_at_once, operation)

    def _release(self) -> ReleaseOrdered:
        return ReleaseOrdered(self.name, self.order, self.owner)

    def leave_at_once(self, operation: FinishOrdered | ReleaseOrdered) -> None:
        """Without a worker, a message that waited goes back to its channel."""
        (freed,) = self.layer.apply([operation])
        if isinstance(freed, Delivery):
            self.layer.apply([PutBack(freed)])
