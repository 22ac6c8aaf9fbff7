"""What the checker's clients talk to: every message is noted down with its number."""

import json
import time

from channels import Group
from channels.sessions import enforce_ordering
from tests.faults.project.notes import note

#: Every socket is a member.
GROUP = "checked"


def _note(event, message, **facts):
    note(event, socket=str(message.reply_channel), order=message["order"], **facts)


@enforce_ordering
def connect(message):
    _note("connect", message)
    Group(GROUP).add(message.reply_channel)
    message.reply_channel.send({"accept": True})


@enforce_ordering
def receive(message):
    """Work as long as the frame says, and answer with its number."""
    frame = json.loads(message["text"])
    _note("began", message, n=frame["n"])
    time.sleep(frame["sleep_ms"] / 1000)
    message.reply_channel.send({"text": f"reply {frame['n']}"})
    _note("ended", message, n=frame["n"])


@enforce_ordering
def disconnect(message):
    _note("disconnect", message, code=message["code"])
    Group(GROUP).discard(message.reply_channel)


def run_job(message):
    note("ran", channel=message.channel.name, n=message["n"])
