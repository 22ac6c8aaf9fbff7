"""`DelayedMessage`: a message that waits in the database until it is due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from channels.channel import DEFAULT_CHANNEL_LAYER, Channel
from channels.delay import contents

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer

    _QuerySet = models.QuerySet["DelayedMessage"]
    _Manager = models.Manager["DelayedMessage"]
else:
    _QuerySet, _Manager = models.QuerySet, models.Manager


class DelayedMessageQuerySet(_QuerySet):
    """Delayed messages."""

    def is_due(self) -> DelayedMessageQuerySet:
        """Return those whose time has come."""
        due: DelayedMessageQuerySet = self.filter(due_date__lte=timezone.now())
        return due

    def in_order(self) -> DelayedMessageQuerySet:
        """Return them in the order they are to be sent in."""
        ordered: DelayedMessageQuerySet = self.order_by("due_date", "pk")
        return ordered


class DelayedMessageManager(_Manager):
    """Delayed messages, as their query set: written out, for whoever reads types."""

    def get_queryset(self) -> DelayedMessageQuerySet:
        return DelayedMessageQuerySet(self.model, using=self._db)

    def is_due(self) -> DelayedMessageQuerySet:
        """Return those whose time has come."""
        return self.get_queryset().is_due()

    def in_order(self) -> DelayedMessageQuerySet:
        """Return them in the order they are to be sent in."""
        return self.get_queryset().in_order()


class DelayedMessage(models.Model):
    """A message for `channel_name`, to be sent at `due_date`; see `contents` for its text.

    The table is that of Channels 1.x.
    """

    due_date: Any = models.DateTimeField(db_index=True)
    channel_name: Any = models.CharField(max_length=512)
    content: Any = models.TextField()

    objects = DelayedMessageManager()

    class Meta:
        db_table = "channels.delay_delayedmessage"

    def __str__(self) -> str:
        return f"a message for {self.channel_name}, due {self.due_date}"

    @property
    def delay(self) -> float:
        """What was set: the milliseconds from then to due_date."""
        return self._delay

    @delay.setter
    def delay(self, milliseconds: float) -> None:
        self._delay = milliseconds
        self.due_date = timezone.now() + timedelta(milliseconds=milliseconds)

    def send(
        self, channel_layer: BaseChannelLayer | None = None, requeue_delay: float = 1000
    ) -> None:
        """Send the message and delete it here, both or neither.

        Args:
            channel_layer: the layer, if not the default one.
            requeue_delay: if the channel is full, it is due again in so many milliseconds.
        """
        if channel_layer is None:
            from channels.asgi import channel_layers

            channel_layer = channel_layers[DEFAULT_CHANNEL_LAYER]
        try:
            self.send_once(channel_layer)
        except channel_layer.ChannelFull:
            self.delay = requeue_delay
            self.save()

    def send_once(self, channel_layer: BaseChannelLayer) -> bool:
        """Send the message and delete it here; return False if another delay server has done so.

        If it can't be sent it stays, and the error is raised: ChannelFull, LayerUnavailable, and
        for what never can be sent InvalidName, InvalidMessage, MessageTooLarge or ValueError.
        """
        content = contents.unpack(self.content)
        # Whose delete finds the row has it alone: others wait for the commit, and then find none.
        with transaction.atomic(using=self._state.db):
            deleted, _ = type(self).objects.filter(pk=self.pk).delete()
            if deleted:
                Channel(self.channel_name, channel_layer=channel_layer).send(
                    content, immediately=True
                )
        return bool(deleted)
