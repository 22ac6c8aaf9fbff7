"""One message, one consumer: finding it, running it, and what comes of it."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from channels.exceptions import ChannelSocketException, ConsumeLater, DenyConnection
from channels.signals import consumer_failed
from channels.utils import name_that_thing
from worker.advice import tell_of_result
from worker.outcomes import DONE, LATER, Failed

if TYPE_CHECKING:
    from channels.message import Message


logger = logging.getLogger("django.channels")


def run_consumer(consumer: Any, message: Message, kwargs: Any) -> Any:
    """Run `consumer(message, **kwargs)`; return its outcome, whatever it does."""
    try:
        result = consumer(message, **kwargs)
        if result is not None and inspect.isawaitable(result):
            result = async_to_sync(_await)(result)
        if result is not None:
            tell_of_result(consumer, result)
        return DONE
    except ConsumeLater:
        return LATER
    except DenyConnection as error:
        return _deny(message, error)
    except ChannelSocketException as error:
        return _act_on_socket(message, error)
    except BaseException as error:  # even SystemExit: nothing that a consumer does ends a worker
        return Failed(error)


async def _await(awaitable: Any) -> Any:
    return await awaitable


def _deny(message: Message, error: Any) -> Any:
    if message.channel.name != "websocket.connect":
        mistake = ValueError(
            f"DenyConnection raised for a message on {message.channel.name!r}: only a consumer of "
            "'websocket.connect' can refuse; raise WebsocketCloseException to close the socket"
        )
        mistake.__cause__ = error
        return Failed(mistake)
    message.reply_channel.send({"close": True})
    return DONE


def _act_on_socket(message: Message, error: Any) -> Any:
    try:
        error.run(message)
    except Exception as mistake:  # the author's run() can raise anything
        return Failed(mistake)
    return DONE


def report_failure(message: Message, consumer: Any, error: Any, worker_id: str) -> None:
    """Log a consumer's failure and send `consumer_failed`."""
    reply_channel = message.reply_channel.name if message.reply_channel else None
    order = message.get("order")
    logger.error(
        "consumer %s failed on a message from %s (reply channel %s%s): %s",
        name_that_thing(consumer),
        message.channel.name,
        reply_channel,
        "" if order is None else f", order {order}",
        error or type(error).__name__,
        exc_info=error,
        extra={
            "channel": message.channel.name,
            "consumer": name_that_thing(consumer),
            "reply_channel": reply_channel,
            "order": order,
            "worker_id": worker_id,
        },
    )
    for receiver, trouble in consumer_failed.send_robust(
        sender=consumer, message=message, error=error, worker_id=worker_id
    ):
        if isinstance(trouble, Exception):
            logger.error("receiver %r of consumer_failed raised", receiver, exc_info=trouble)
