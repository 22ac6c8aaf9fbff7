"""From the database to the channels, when the time has come."""

from __future__ import annotations

import datetime
import logging
import threading
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from channels.delay.models import DelayedMessage
from channels.exceptions import (
    ChannelFull,
    ClientGone,
    InvalidMessage,
    InvalidName,
    MessageTooLarge,
)
from channels.layers.backoff import Backoff

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer

logger = logging.getLogger("django.channels")

#: Due messages are read from the database in slices of this many.
BATCH = 100
#: When messages are due that can't ever be sent.
NEVER = datetime.datetime(9999, 12, 1, tzinfo=datetime.timezone.utc)
#: A full channel is tried again after 0.05 s, then twice as long each time, up to 1 s.
FIRST_RETRY_S, LONGEST_RETRY_S = 0.05, 1.0


class DueSender:
    """Sends what is due, in the order of its due date, and deletes it.

    Any number of delay servers may do so at the same time: each message is sent by one of them.

    Args:
        layer: the channel layer.
        look_every_s: the longest time between two looks into the database.
        stopping: an Event; once set, the message in hand is the last one.
    """

    def __init__(
        self, layer: BaseChannelLayer, look_every_s: float, stopping: threading.Event
    ) -> None:
        self._layer, self._look_every_s, self._stopping = layer, look_every_s, stopping
        self._backoff = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)

    def send_due(self) -> float:
        """Send what is due; return the seconds after which it is worth looking again.

        Raises LayerUnavailable or DatabaseError; what was not sent then is still there.
        """
        full: set[str] = set()
        sent = 0
        while batch := self._due(full):
            for message in batch:
                if self._stopping.is_set():
                    return 0.0
                if message.channel_name not in full:
                    sent += self._send(message, full)
        return self._pause_s(sent, full)

    @staticmethod
    def _due(full: set[str]) -> list[DelayedMessage]:
        """The next due messages for channels that are not full: none may overtake another."""
        due = DelayedMessage.objects.is_due().exclude(channel_name__in=full)
        return list(due.in_order()[:BATCH])

    def _send(self, message: DelayedMessage, full: set[str]) -> bool:
        """Send one message; return whether it has gone."""
        try:
            logger.debug("sending a delayed message to %s", message.channel_name)
            return message.send_once(self._layer)
        except ChannelFull as error:
            logger.debug("%s; delayed messages for it wait", error)
            full.add(message.channel_name)
            return False
        except ClientGone as error:
            logger.info("a delayed message is dropped: %s", error)
            message.delete()
        except (ValueError, InvalidName, InvalidMessage, MessageTooLarge) as error:
            self._set_aside(message, error)
        return True

    @staticmethod
    def _set_aside(message: DelayedMessage, error: Exception) -> None:
        """Nothing will make it go: keep it for whoever reads the log, where it holds up nothing."""
        message.due_date = NEVER if settings.USE_TZ else NEVER.replace(tzinfo=None)
        message.save(update_fields=["due_date"])
        logger.error(
            "the delayed message %s for %r can't be sent: %s; it stays in the table, due in %d",
            message.pk,
            message.channel_name,
            error,
            NEVER.year,
        )

    def _pause_s(self, sent: int, full: set[str]) -> float:
        wait_s = self._look_every_s
        next_due = DelayedMessage.objects.in_order().exclude(channel_name__in=full).first()
        if next_due is not None:
            wait_s = min(wait_s, (next_due.due_date - timezone.now()).total_seconds())
        if not full or sent:
            self._backoff.reset()
        if full:
            wait_s = min(wait_s, self._backoff.next_s())
        return max(wait_s, 0.0)
