"""Send messages to the background channel for some seconds; wait until all are consumed.

Usage: python -m produce SECONDS. Prints a JSON object: sent, consumed, seconds, refused.
"""

import asyncio
import json
import sys
import time

import django

from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer


async def send(layer, content):
    """Send one message, waiting while the channel is full. Returns how often it was refused."""
    refused = 0
    while True:
        try:
            await layer.send("bench-noop", {"type": "noop", **content})
            return refused
        except ChannelFull:
            refused += 1
            await asyncio.sleep(0.001)


async def ask_count(layer, limit_s):
    """Return how many messages the worker has consumed once it gets to the end of the queue."""
    reply = await layer.new_channel()
    await send(layer, {"tell": reply})
    message = await asyncio.wait_for(layer.receive(reply), limit_s)
    return message["count"] - 1


async def main(seconds):
    """Measure for `seconds`, after a first message that wakes the worker up."""
    layer = get_channel_layer()
    before = await ask_count(layer, 10)
    start = time.time()
    sent = refused = 0
    while time.time() - start < seconds:
        for _ in range(50):
            refused += await send(layer, {"number": sent})
            sent += 1
    consumed = await ask_count(layer, 60) - before - 1
    took = time.time() - start
    print(json.dumps({"sent": sent, "consumed": consumed, "seconds": took, "refused": refused}))


if __name__ == "__main__":
    django.setup()
    asyncio.run(main(float(sys.argv[1])))
