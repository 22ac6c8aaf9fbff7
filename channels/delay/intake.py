"""From `asgi.delay` into the database."""

from __future__ import annotations

import logging
import math
import numbers
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from channels.delay import contents
from channels.delay.models import DelayedMessage
from channels.exceptions import InvalidName, LayerUnavailable
from channels.layers.names import check_channel_name
from channels.layers.operations import DeadLetter, Done, PutBack

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.contract import Reader
    from channels.layers.operations import Delivery, Operation

logger = logging.getLogger("django.channels")

#: What asks for a delay is sent here.
DELAY_CHANNEL = "asgi.delay"
#: So many messages are stored at once; as many are lost if the process is killed just then.
BATCH = 100


def read_request(content: Mapping[str, Any], now: datetime) -> DelayedMessage:
    """Return the DelayedMessage, not yet saved, that `content` asks for.

    `content`: {"channel": name, "content": the message, "delay": milliseconds}, all from a sender
    who may have got it wrong. Raises ValueError, which says what is wrong.
    """
    missing = [key for key in ("channel", "content", "delay") if key not in content]
    if missing:
        raise ValueError(
            f"it must contain 'channel', 'content' and 'delay', and lacks {', '.join(missing)}"
        )
    channel = content["channel"]
    if not isinstance(channel, str):
        raise ValueError(f"its channel must be a str, got {type(channel).__name__} {channel!r}")
    try:
        check_channel_name(channel)
        text = contents.pack(content["content"])
    except (InvalidName, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    due_date = _due_date(content["delay"], now)
    return DelayedMessage(channel_name=channel, content=text, due_date=due_date)


def _due_date(delay_ms: object, now: datetime) -> datetime:
    if not isinstance(delay_ms, numbers.Real) or isinstance(delay_ms, bool):
        raise ValueError(f"its delay must be a number of milliseconds, got {delay_ms!r}")
    try:
        if not math.isfinite(delay_ms):
            raise ValueError(f"its delay must be a number of milliseconds, got {delay_ms!r}")
        return now + timedelta(milliseconds=max(float(delay_ms), 0.0))
    except OverflowError as error:
        raise ValueError(f"its delay of {delay_ms} ms is beyond any date") from error


class DelayIntake:
    """Takes messages from `asgi.delay`, and stores them in the database.

    What has been taken is kept in memory until it is stored, whatever fails in between.

    Args:
        layer: the channel layer.
    """

    def __init__(self, layer: BaseChannelLayer) -> None:
        self._layer = layer
        self._reader: Reader | None = None
        self._taken: list[Delivery] = []
        self._endings: list[Operation] = []

    def open(self) -> None:
        """Begin to listen, unless that is done; `close` ends it."""
        if self._reader is None:
            self._reader = self._layer.open_reader([DELAY_CHANNEL])

    def take_in(self, wait_s: float) -> None:
        """Wait up to `wait_s` for messages, and store those that are there.

        Raises LayerUnavailable or DatabaseError; then call it again.
        """
        self._store()
        self._gather(wait_s)
        self._store()

    def _gather(self, wait_s: float) -> None:
        self.open()
        while self._reader is not None and len(self._taken) < BATCH:
            _, delivery = self._reader.take(self._endings, wait_s)
            self._endings = []
            if delivery is None:
                return
            self._taken.append(delivery)
            wait_s = 0.0

    def _store(self) -> None:
        now = timezone.now()
        messages: list[DelayedMessage] = []
        endings: list[Operation] = []
        for delivery in self._taken:
            try:
                messages.append(read_request(delivery.content, now))
                endings.append(Done(delivery))
            except ValueError as error:
                endings.append(DeadLetter(delivery, str(error)))
        if messages:
            DelayedMessage.objects.bulk_create(messages)
        self._taken, self._endings = [], self._endings + endings
        for operation in endings:
            if isinstance(operation, DeadLetter):
                logger.error(
                    "Invalid message received on %s: %s; it is now among its dead letters",
                    DELAY_CHANNEL,
                    operation.reason,
                )

    def interrupt(self) -> None:
        """From another thread: let take_in() return soon."""
        if self._reader is not None:
            self._reader.interrupt()

    def close(self) -> None:
        """Put back what could not be stored, and leave."""
        # Each goes to the front, so the first one goes last.
        left: list[Operation] = [*self._endings, *map(PutBack, reversed(self._taken))]
        try:
            if left:
                self._layer.apply(left)
        except LayerUnavailable as error:
            if self._taken:
                logger.error(
                    "%d message(s) that were to be delayed are lost: %s", len(self._taken), error
                )
        self._taken, self._endings = [], []
        if self._reader is not None:
            self._reader.close()
            self._reader = None
