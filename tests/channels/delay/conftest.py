"""An empty table of delayed messages, and what puts some into it."""

import datetime

import pytest
from django.utils import timezone

from channels.delay.models import DelayedMessage


@pytest.fixture
def table(database, layer):
    """The table, empty, beside a fresh layer."""
    DelayedMessage.objects.all().delete()
    yield DelayedMessage.objects
    DelayedMessage.objects.all().delete()


@pytest.fixture
def put(table):
    """Put a message into the table, due `ago_s` seconds ago."""

    def put(channel="later", content='{"n": 1}', ago_s=1.0):
        due_date = timezone.now() - datetime.timedelta(seconds=ago_s)
        return table.create(channel_name=channel, content=content, due_date=due_date)

    return put
