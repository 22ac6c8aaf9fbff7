"""Send messages to the background channel for some seconds; wait until all are consumed.

Usage: python -m classic.produce SECONDS. Prints a JSON object: sent, consumed, seconds, refused.
"""

import json
import sys
import time

import django

from channels import Channel
from channels.asgi import channel_layers


def send(channel, content, layer):
    """Send one message, waiting while the channel is full. Returns how often it was refused."""
    refused = 0
    while True:
        try:
            channel.send(content, immediately=True)
            return refused
        except layer.ChannelFull:
            refused += 1
            time.sleep(0.001)


def ask_count(channel, layer, limit_s):
    """Return how many messages the worker has consumed once it gets to the end of the queue."""
    reply = layer.new_channel("bench.count?")
    send(channel, {"tell": reply}, layer)
    end = time.time() + limit_s
    while time.time() < end:
        name, message = layer.receive([reply], block=True)
        if name is not None:
            return message["count"] - 1
    raise SystemExit(f"the worker did not get to the end of the queue in {limit_s} s")


def main(seconds):
    """Measure for `seconds`, after a first message that wakes the worker up."""
    layer = channel_layers["default"]
    channel = Channel("bench.noop")
    before = ask_count(channel, layer, 10)
    start = time.time()
    sent = refused = 0
    while time.time() - start < seconds:
        for _ in range(50):
            refused += send(channel, {"number": sent}, layer)
            sent += 1
    consumed = ask_count(channel, layer, 60) - before - 1
    took = time.time() - start
    print(json.dumps({"sent": sent, "consumed": consumed, "seconds": took, "refused": refused}))


if __name__ == "__main__":
    django.setup()
    main(float(sys.argv[1]))
