"""Background work."""

import time

from django.contrib.auth import get_user_model

from channels import Channel
from channels.exceptions import ConsumeLater
from tests.faults.project.notes import note


def run_job(message):
    """Sleep as long as the message says (`sleep_ms`)."""
    _note("job started", message)
    time.sleep(message.get("sleep_ms", 0) / 1000)
    _note("job done", message)


def count_job(message):
    """Note it, once: for very many."""
    note("job", n=message["n"])


def reply_job(message):
    """Send something to the channel that the message names."""
    Channel(message["to"]).send({"text": "x"})
    note("replied", n=message["n"])


def wait_until_ready(message):
    """Ask for retries until the time that the message names."""
    now = time.time()
    note("tried", n=message["n"])
    if now < message["ready_at"]:
        raise ConsumeLater
    note("ran", n=message["n"])


def query_job(message):
    """Ask the database something, then work for a while with the connection at hand."""
    note("queried", n=message["n"], users=get_user_model().objects.count())
    time.sleep(message.get("sleep_ms", 0) / 1000)


def fail_job(message):
    """Raise."""
    raise RuntimeError(f"job {message['n']} fails")


def _note(event, message):
    note(event, n=message["n"], channel=message.channel.name)
