"""Consumers that fail, and the one place that hears of all of them."""

from channels.signals import consumer_failed
from tests.faults.project.notes import note


def fail(message):
    raise RuntimeError("on purpose")


def note_failure(sender, message, error, worker_id, **kwargs):
    note(
        "failed",
        channel=message.channel.name,
        socket=str(message.reply_channel),
        worker=worker_id,
        error=str(error),
    )


consumer_failed.connect(note_failure)
