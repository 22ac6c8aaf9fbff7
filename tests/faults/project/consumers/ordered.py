"""Sockets whose messages run in order. A frame is JSON: {"n": 3, "sleep_ms": 20, "fail": true}."""

import json
import time

from channels.sessions import enforce_ordering
from tests.faults.project.notes import note


@enforce_ordering
def connect(message):
    message.reply_channel.send({"accept": True})
    note("connect", socket=str(message.reply_channel))


@enforce_ordering
def receive(message):
    """Do what the frame says; note when it began and ended, and send its number back."""
    frame, socket = json.loads(message["text"]), str(message.reply_channel)
    note("began", socket=socket, n=frame["n"], order=message["order"])
    time.sleep(frame.get("sleep_ms", 0) / 1000)
    if frame.get("fail"):
        raise RuntimeError(f"frame {frame['n']} fails")
    note("ended", socket=socket, n=frame["n"])
    message.reply_channel.send({"text": str(frame["n"])})


@enforce_ordering
def disconnect(message):
    note("disconnect", socket=str(message.reply_channel), code=message["code"])
