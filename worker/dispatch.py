"""One message, one consumer: running it, and how that can end."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from asgiref.sync import async_to_sync
from django.db.backends.signals import connection_created

from channels.exceptions import ChannelSocketException, ConsumeLater, DenyConnection
from channels.signals import OWN_RECEIVERS, consumer_failed, consumer_finished
from channels.utils import name_that_thing
from worker.advice import tell_of_result

if TYPE_CHECKING:
    from channels.message import Message


logger = logging.getLogger("django.channels")


@dataclasses.dataclass(frozen=True)
class Returned:
    """A consumer's run ended so: it returned."""


@dataclasses.dataclass(frozen=True)
class Later:
    """It raised ConsumeLater: the message goes back to its channel."""


@dataclasses.dataclass(frozen=True)
class Failed:
    """It raised anything else."""

    error: BaseException


#: What `run_consumer` returns; the loop only switches on it.
Outcome: TypeAlias = Returned | Later | Failed
DONE = Returned()
LATER = Later()


def run_consumer(
    consumer: Callable[..., Any], message: Message, kwargs: Mapping[str, Any]
) -> Outcome:
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


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _deny(message: Message, error: DenyConnection) -> Outcome:
    if message.channel.name != "websocket.connect":
        mistake = ValueError(
            f"DenyConnection raised for a message on {message.channel.name!r}: only a consumer of "
            "'websocket.connect' can refuse; raise WebsocketCloseException to close the socket"
        )
        mistake.__cause__ = error
        return Failed(mistake)
    message.reply_channel.send({"close": True})
    return DONE


def _act_on_socket(message: Message, error: ChannelSocketException) -> Outcome:
    try:
        error.run(message)
    except Exception as mistake:  # the author's run() can raise anything
        return Failed(mistake)
    return DONE


class _Thread(threading.local):
    #: Whether this thread has ever had a database connection.
    has_connected = False


_thread = _Thread()


def _note_connection(**kwargs: Any) -> None:
    _thread.has_connected = True


connection_created.connect(_note_connection, dispatch_uid="worker.dispatch")


def is_end_awaited() -> bool:
    """Whether anything is to be done when a consumer has ended.

    Django's `close_old_connections` costs as much as sending a reply, also where there is nothing
    to close: a thread that has never connected to a database is spared it.
    """
    return _thread.has_connected or consumer_finished.receivers != OWN_RECEIVERS


def report_failure(
    message: Message, consumer: Callable[..., Any], error: BaseException, worker_id: str
) -> None:
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
