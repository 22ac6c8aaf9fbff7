"""Sockets without ordering or sessions."""

import json
import time

from channels import Channel, Group
from channels.security.websockets import allowed_hosts_only
from channels.sessions import channel_session
from tests.faults.project.notes import note


def _note(event, message, **facts):
    note(event, socket=str(message.reply_channel), **facts)


def accept(message):
    message.reply_channel.send({"accept": True})
    _note("connect", message)


def leave(message):
    _note("disconnect", message, code=message["code"])


def leave_slowly(message, ms):
    """Leave after some milliseconds; say when that begins."""
    _note("leaving", message)
    time.sleep(int(ms) / 1000)
    leave(message)


def echo(message):
    message.reply_channel.send({"text": message["text"]})


def join(message):
    """Join the group that the path names."""
    Group(_group(message)).add(message.reply_channel)
    accept(message)


def speak(message):
    """Send what has come to the whole group."""
    Group(_group(message)).send({"text": message["text"]})


def part(message):
    """Leave the group."""
    Group(_group(message)).discard(message.reply_channel)
    leave(message)


def join_own(message):
    """Join a group that no other socket is in."""
    Group(f"own-{message.reply_channel.name.partition('!')[2]}").add(message.reply_channel)
    join(message)


def join_late(message):
    """Accept at once, and join a group when the client may have left again."""
    message.reply_channel.send({"accept": True}, immediately=True)
    time.sleep(0.3)
    Group("late").add(message.reply_channel)
    _note("joined", message)


@channel_session
def remember(message):
    """Begin a session, and note what is in it."""
    message.channel_session["since"] = message["path"]
    accept(message)


@channel_session
def recall(message):
    message.reply_channel.send({"text": message.channel_session["since"]})


@channel_session
def forget(message):
    _note("recalled", message, since=message.channel_session.get("since"))
    leave(message)


@allowed_hosts_only
def accept_own_pages(message):
    accept(message)


def _group(message):
    return message["path"].strip("/").replace("/", "-")


def accept_slowly(message, ms):
    """Accept after some milliseconds; say when it began and ended."""
    _note("connect started", message)
    time.sleep(int(ms) / 1000)
    accept(message)


def note_frame(message):
    _note("receive", message, text=message["text"])


def tick(message):
    """Send the time `times` times, every `every_ms`, with or without `immediately`."""
    order = json.loads(message["text"])
    for _ in range(order["times"]):
        message.reply_channel.send({"text": str(time.time())}, immediately=True)
        time.sleep(order["every_ms"] / 1000)


def close_with(message):
    """Close with the code that the frame names."""
    message.reply_channel.send({"close": int(message["text"])})


def describe_client(message):
    """Accept, and send who connects, as far as can be seen from here."""
    client = {"address": message["client"][0], "scheme": message["scheme"]}
    message.reply_channel.send({"text": json.dumps(client)})


def send_to_jobs(message):
    """Hand the frame on to a background channel."""
    Channel("jobs").send({"n": int(message["text"])})
