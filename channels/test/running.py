"""Taking a message and running its consumer as a worker would, but for its threads and retries."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.db import close_old_connections

from channels.binding.commits import make_test_announcements
from channels.exceptions import ChannelSocketException, ConsumeLater
from channels.layers import names
from channels.layers.operations import Delivery, PutBack, Send, SendGroup
from channels.message import Message, pending_message_store
from channels.signals import consumer_finished, consumer_started

if TYPE_CHECKING:
    from channels.channel import KeptEntry
    from channels.layers.base import BaseChannelLayer


def take_message(layer: BaseChannelLayer, channel: str) -> Message | None:
    """Return the next Message on `channel`, or None."""
    make_test_announcements()
    delivery = _take_delivery(layer, channel)
    if delivery is None:
        return None
    return Message(delivery.content, delivery.channel, layer, delivery=delivery, worker_id="test")


def _take_delivery(layer: BaseChannelLayer, channel: str) -> Delivery | None:
    """Take from the queue of a process-specific channel what is for this very channel."""
    reader = layer.open_reader([names.queue_name(channel)])
    others: list[PutBack] = []
    try:
        while True:
            _, delivery = reader.take()
            if delivery is None or channel in (delivery.channel, names.queue_name(channel)):
                return delivery
            others.append(PutBack(delivery))
    finally:
        layer.apply(others[::-1])
        reader.close()


def run_consumer(
    consumer: Callable[..., Any], message: Message, kwargs: dict[str, Any], sender: object
) -> Any:
    """Run `consumer`, then send what it sent; return what it returned, raise what it raised.

    A ChannelSocketException is not raised: it acts on the socket. If the consumer raises
    ConsumeLater, what it sent is not sent.
    """
    pending_message_store.prepare()
    is_retry = False
    try:
        consumer_started.send(sender=sender, environ={})
        return _call(consumer, message, kwargs)
    except ChannelSocketException as error:
        error.run(message)
    except ConsumeLater:
        is_retry = True
        raise
    finally:
        try:
            _flush(pending_message_store.take(), is_retry)
        finally:
            _finish(sender)


def _call(consumer: Callable[..., Any], message: Message, kwargs: dict[str, Any]) -> Any:
    result = consumer(message, **kwargs)
    return async_to_sync(_wait_for)(result) if inspect.isawaitable(result) else result


async def _wait_for(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _flush(entries: Iterable[KeptEntry], is_retry: bool) -> None:
    """Carry out what the consumer left; raise the first refusal, after all has been tried."""
    refusals: list[Exception] = []
    for layer, operation in entries:
        if is_retry and isinstance(operation, (Send, SendGroup)):
            continue
        (result,) = layer.apply([operation])
        if isinstance(result, Delivery):  # an ordered message whose turn it is now
            layer.apply([PutBack(result)])
        elif isinstance(result, Exception):
            refusals.append(result)
    if refusals:
        raise refusals[0]


def _finish(sender: object) -> None:
    # As Django's test client: the test's own database connection must stay open.
    was_connected = consumer_finished.disconnect(close_old_connections)
    try:
        consumer_finished.send(sender=sender)
    finally:
        if was_connected:
            consumer_finished.connect(close_old_connections)
