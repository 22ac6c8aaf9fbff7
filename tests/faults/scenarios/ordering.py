"""Ordered sockets: each message once, in order, and none stuck, whatever happens to one of them."""

import asyncio
import itertools
import json
import random
import re

from tests.faults.result import Result
from tests.faults.scenario import scenario


def runs_in_order(records):
    """Whether the consumer of no message began before the one before it had ended.

    `records`: the "began" and "ended" records of one socket, in the order they were noted.
    """
    steps = [(record["event"], record["n"]) for record in records]
    numbers = [n for event, n in steps if event == "began"]
    wanted = list(itertools.chain.from_iterable([("began", n), ("ended", n)] for n in numbers))
    return steps == wanted and numbers == sorted(set(numbers))


def steps_by_socket(ledger):
    """Return {socket: its "began" and "ended" records}."""
    found = {}
    for record in ledger.records():
        if record["event"] in ("began", "ended"):
            found.setdefault(record["socket"], []).append(record)
    return found


@scenario(2, frames=(200, 500), sleep_ms=(10, 20))
async def a_burst_on_an_ordered_socket(site, numbers):
    await site.start(workers=4)
    socket = await site.open_socket("/ordered")
    for number in range(numbers.frames):
        socket.send(json.dumps({"n": number, "sleep_ms": numbers.sleep_ms}))
    limit_s = 10 + 3 * numbers.frames * numbers.sleep_ms / 1000
    await socket.wait_for_texts(numbers.frames, limit_s)
    result = Result()
    if socket.close_code is None:
        result.equal("frames answered", len(socket.texts), numbers.frames)
        socket.leave()
    else:
        result.true(f"closed with {socket.close_code}", socket.close_code == 1013)
    await site.ledger.wait_for(1, "disconnect", limit_s=limit_s)
    await asyncio.sleep(0.5)
    (steps,) = steps_by_socket(site.ledger).values()
    result.true("run one after another, in order, once each", runs_in_order(steps))
    in_order = [int(text) for text in socket.texts] == list(range(len(socket.texts)))
    result.true("answered in order", in_order)
    result.equal("disconnects", site.ledger.count("disconnect"), 1)
    return result


@scenario(2, frames=(1_500, 2_500))
async def an_ordered_socket_that_is_flooded(site, numbers):
    """More waits behind one slow frame than may: 1013, one disconnect, and others go on."""
    site.configure(layer={"channel_capacity": {"websocket.receive": 5_000}})
    await site.start(workers=4)
    flooded, other = await site.open_sockets(2, "/ordered")
    flooded.send(json.dumps({"n": 0, "sleep_ms": 3_000}))
    for number in range(1, numbers.frames):
        flooded.send(json.dumps({"n": number}))
    for number in range(10):
        other.send(json.dumps({"n": number}))
    result = Result()
    result.equal("frames of another socket", await other.wait_for_texts(10), 10)
    result.true(f"close code: {await flooded.wait_closed()}", flooded.close_code == 1013)
    await site.ledger.wait_for(1, "disconnect")
    await asyncio.sleep(0.5)
    result.equal("disconnects", site.ledger.count("disconnect"), 1)
    return result


@scenario(8, frames=(10, 10), failing=(3, 3))
async def an_ordered_consumer_raises(site, numbers):
    await site.start(workers=2)
    socket = await site.open_socket("/ordered")
    wanted = [n for n in range(1, numbers.frames + 1) if n != numbers.failing]
    for number in range(1, numbers.frames + 1):
        socket.send(json.dumps({"n": number, "fail": number == numbers.failing}))
    await socket.wait_for_texts(len(wanted), limit_s=10)
    result = Result()
    result.true(f"frames run: {socket.texts}", [int(text) for text in socket.texts] == wanted)
    name = site.ledger.values("socket", "connect")[0]
    found = re.findall(rf"failed on .*{re.escape(name)}, order (\d+)", site.split.logs)
    result.true(f"errors logged for that socket, by order: {found}", found == ["3"])
    return result


@scenario(12, sockets=(20, 100), frames=(100, 1_000), workers=(4, 8), most_ms=(10, 20))
async def ordering_races(site, numbers):
    """Each socket has a few frames on their way all the time, so that they meet in the workers."""
    site.configure(layer={"channel_capacity": {"websocket.receive": 10_000}})
    await site.start(workers=numbers.workers)
    sockets = await site.open_sockets(numbers.sockets, "/ordered")
    chance = random.Random(12)
    await asyncio.gather(*(_talk(socket, numbers, chance) for socket in sockets))
    wanted = numbers.sockets * numbers.frames
    result = Result()
    result.equal("frames answered", sum(len(socket.texts) for socket in sockets), wanted)
    in_order = [
        [int(text) for text in socket.texts] == list(range(numbers.frames)) for socket in sockets
    ]
    result.equal("sockets answered in order", sum(in_order), numbers.sockets)
    run_in_order = [runs_in_order(steps) for steps in steps_by_socket(site.ledger).values()]
    result.equal("sockets served in order", sum(run_in_order), numbers.sockets)
    return result


async def _talk(socket, numbers, chance, ahead=5):
    for number in range(numbers.frames):
        sleep_ms = chance.uniform(0, numbers.most_ms)
        socket.send(json.dumps({"n": number, "sleep_ms": sleep_ms}))
        if await socket.wait_for_texts(number + 1 - ahead, limit_s=60) < number + 1 - ahead:
            return
    await socket.wait_for_texts(numbers.frames, limit_s=60)
