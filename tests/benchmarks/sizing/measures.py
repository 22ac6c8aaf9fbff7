"""What is measured of a layer: each function returns a figure, or a curve as {x: figure}."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from channels.layers.base import BaseChannelLayer
from channels.layers.names import reply_channel_name
from tests.benchmarks.sizing.engines import Engine, own_cpu_s

#: A message of about the size that a small request has.
MESSAGE = {"path": "/some/where/", "body": b"x" * 250, "order": 1}
#: Seconds that anything may take.
LIMIT_S = 60.0


def rates(engine: Engine, count: int) -> dict[str, float]:
    """One process sends `count` messages, one by one, and then receives them."""
    layer = engine.make_layer()
    layer.send("work", MESSAGE)
    layer.receive(["work"])
    cpu_s, own_s = engine.cpu_s(), own_cpu_s()
    before, sent_s = engine.memory(), _timed(lambda: _send(layer, "work", count))
    waiting = engine.memory() - before
    reader = layer.open_reader(["work"])
    took_s = _timed(lambda: _take(reader, count))
    cpu_s, own_s = engine.cpu_s() - cpu_s, own_cpu_s() - own_s
    reader.close()
    layer.close()
    return {
        "sends a second": count / sent_s,
        "takes a second": count / took_s,
        "engine CPU, µs a message": cpu_s / count * 1e6,
        "own CPU, µs a message": own_s / count * 1e6,
        "bytes a waiting message": waiting / count,
    }


def latency_ms(engine: Engine, count: int) -> float:
    """From `send` to the reader that waits, in another thread: the median."""
    layer = engine.make_layer()
    reader, ready = layer.open_reader(["work"]), threading.Semaphore(0)
    waits: list[float] = []

    def read() -> None:
        for _ in range(count):
            ready.release()
            _, delivery = reader.take(block_s=LIMIT_S)
            if delivery is not None:
                waits.append(time.perf_counter() - delivery.content["at"])

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(count):
        ready.acquire()
        time.sleep(0.01)  # until it waits
        layer.send("work", {"at": time.perf_counter()})
    thread.join()
    reader.close()
    layer.close()
    return statistics.median(waits) * 1_000


def over_workers(engine: Engine, count: int, workers: Sequence[int]) -> dict[int, float]:
    """Messages a second that so many worker processes take from one channel."""
    return {number: _drain_rate(engine, count, number) for number in workers}


def _drain_rate(engine: Engine, count: int, workers: int) -> float:
    prefix = engine.next_prefix()
    layer = engine.make(prefix)
    context = multiprocessing.get_context("fork")
    start, done = context.Event(), context.Semaphore(0)
    ready = context.Semaphore(0)

    def work() -> None:
        mine = engine.make(prefix)
        reader = mine.open_reader(["work"])
        reader.take()
        ready.release()
        start.wait()
        while True:
            _, delivery = reader.take(block_s=2.0)
            if delivery is None:
                return
            done.release()

    processes = [context.Process(target=work, daemon=True) for _ in range(workers)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire(timeout=LIMIT_S)
    _send(layer, "work", count)
    begun = time.perf_counter()
    start.set()
    for _ in range(count):
        done.acquire(timeout=LIMIT_S)
    seconds = time.perf_counter() - begun
    for process in processes:
        process.terminate()
        process.join()
    layer.close()
    return count / seconds


def over_channels(engine: Engine, count: int, channels: Sequence[int]) -> dict[int, float]:
    """Messages a second that one reader takes that listens to so many channels."""
    curve = {}
    for number in channels:
        layer, names = engine.make_layer(), [f"work.{n}" for n in range(number)]
        for n in range(count):
            layer.send(names[n % number], MESSAGE)
        reader = layer.open_reader(names)
        curve[number] = count / _timed(lambda: _take(reader, count))  # noqa: B023
        reader.close()
        layer.close()
    return curve


def over_groups(engine: Engine, sizes: Sequence[int], sends: int) -> dict[int, float]:
    """Milliseconds of one group send to so many sockets of one server."""
    curve = {}
    for size in sizes:
        layer = engine.make_layer()
        for n in range(size):
            layer.group_add("crowd", reply_channel_name("websocket.send", "server", str(n)))
        layer.send_group("crowd", MESSAGE)
        seconds = _timed(lambda: _send_group(layer, "crowd", sends))  # noqa: B023
        curve[size] = seconds / sends * 1_000
        layer.close()
    return curve


def over_memberships(engine: Engine, sockets: int, groups: int) -> dict[str, float]:
    """Each of `sockets` joins each of `groups`: milliseconds of one group_add, bytes of one
    membership, milliseconds of a send to a group of them all."""
    layer = engine.make_layer()
    channels = [reply_channel_name("websocket.send", "server", str(n)) for n in range(sockets)]
    before = engine.memory()

    def join() -> None:
        for channel in channels:
            for n in range(groups):
                layer.group_add(f"group.{n}", channel)

    count = sockets * groups
    joining_s = _timed(join)
    grown = engine.memory() - before
    send_s = _timed(lambda: layer.send_group("group.0", MESSAGE))
    layer.close()
    return {
        "a group_add, ms": joining_s / count * 1_000,
        "bytes a membership": grown / count,
        "a send to one of the groups, ms": send_s * 1_000,
    }


def over_sockets(engine: Engine, numbers: Sequence[int]) -> dict[int, float]:
    """Bytes of the engine for each socket of one server that has so many open; up to the first
    number that takes too long."""
    curve = {}
    for number in numbers:
        try:
            curve[number] = asyncio.run(_open_sockets(engine, number))
        except asyncio.TimeoutError:
            break
    return curve


async def _open_sockets(engine: Engine, number: int) -> float:
    layer = engine.make_layer()
    link = layer.open_link("server", lambda clients, content: None, lambda: None)
    await link.start()
    while not link.is_available:
        await asyncio.sleep(0.01)
    before = engine.memory()
    gate = asyncio.Semaphore(50)

    async def open_one(n: int) -> None:
        channel = link.reply_channel("websocket.send", str(n))
        async with gate:
            message: dict[str, Any] = {"reply_channel": channel, "path": "/", "order": 0}
            await link.open_socket(str(n), message)
            layer.receive(["websocket.connect"])

    try:
        opening = asyncio.gather(*(open_one(n) for n in range(number)))
        await asyncio.wait_for(opening, LIMIT_S)
        return (engine.memory() - before) / number
    finally:
        layer.flush()  # or else each socket would get its disconnect
        await link.stop()
        await layer.aclose()
        layer.close()


def _send(layer: BaseChannelLayer, channel: str, count: int) -> None:
    for _ in range(count):
        layer.send(channel, MESSAGE)


def _send_group(layer: BaseChannelLayer, group: str, count: int) -> None:
    for _ in range(count):
        layer.send_group(group, MESSAGE)


def _take(reader: Any, count: int) -> None:
    found, deadline = 0, time.monotonic() + LIMIT_S
    while found < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{found} of {count} messages came in {LIMIT_S:g} s")
        found += reader.take(block_s=1.0)[1] is not None


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
