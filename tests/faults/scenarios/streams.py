"""Several streams over one socket."""

import asyncio
import json
import random

from tests.faults.result import Result
from tests.faults.scenario import scenario

STREAMS = ("one", "two", "three")


@scenario(39, sockets=(5, 50), frames=(30, 100), workers=(4, 4))
async def ordered_streams_over_one_socket(site, numbers):
    """The frames of three streams are mixed at random; each stream sees its own, in order."""
    await site.start(workers=numbers.workers)
    sockets = await site.open_sockets(numbers.sockets, "/streams")
    chance = random.Random(39)
    await asyncio.gather(*(_talk(socket, numbers.frames, chance) for socket in sockets))
    await site.ledger.wait_for(3 * numbers.sockets, "stream", what="disconnect")
    await asyncio.sleep(0.2)
    wanted = ["connect", *range(numbers.frames), "disconnect"]
    seen = {}
    for record in site.ledger.records("stream"):
        seen.setdefault((record["socket"], record["name"]), []).append(record["what"])
    result = Result()
    complete = [steps == wanted for steps in seen.values()]
    result.equal(
        "streams that saw connect, frames, disconnect, in order", sum(complete), 3 * numbers.sockets
    )
    answers = sum(len(socket.texts) for socket in sockets)
    result.equal("answers", answers, 3 * numbers.sockets * numbers.frames)
    return result


async def _talk(socket, frames, chance, ahead=10):
    order = [name for name in STREAMS for _ in range(frames)]
    chance.shuffle(order)
    counts = dict.fromkeys(STREAMS, 0)
    for said, name in enumerate(order):
        socket.send(json.dumps({"stream": name, "payload": {"n": counts[name]}}))
        counts[name] += 1
        await socket.wait_for_texts(said + 1 - ahead)
    await socket.wait_for_texts(len(order))
    socket.leave()
