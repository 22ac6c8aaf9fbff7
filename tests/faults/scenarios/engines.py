"""Layers other than Redis: processes and brokers that end in the middle, again and again."""

import asyncio
import signal
import time

from channels.layers.local.wakeups import SUFFIX
from tests.faults.clients.web_socket import Refused
from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.processes.rabbitmq_server import RabbitmqServer

RABBITMQ = "channels.layers.rabbitmq.RabbitmqChannelLayer"
LOCAL = "channels.layers.local.LocalChannelLayer"


@scenario(38, starts=(6, 100))
async def the_local_layer_is_started_stopped_and_killed(site, numbers):
    """Each time a page and an echo must come, whatever the last processes left behind.

    The last of them end kindly, and leave nothing. They answer first, too: a server that gets
    SIGTERM as it begins to listen has no handler for it yet.
    """
    folder = site.directory / "layer"
    site.configure(layer={"folder": str(folder)}, backend=LOCAL)
    result, worked = Result(), 0
    starts = numbers.starts + 1
    for number in range(starts):
        await site.start()
        response = await site.fetch("/")
        socket = await site.open_socket("/echo")
        socket.send("ping")
        await socket.wait_for_texts(1)
        worked += response.status == 200
        await _end_all(site, is_killed=number % 2 == 1)
        socket.vanish()
    result.equal("starts after which a page and an echo came", worked, starts)
    status = await site.call(site.layer.status)
    result.equal("processes in the registry", len(status["servers"] + status["workers"]), 0)
    await site.call(site.layer.close)
    result.equal("sockets in the folder", len([*folder.glob(f"*{SUFFIX}")]), 0)
    size = sum(path.stat().st_size for path in folder.iterdir())
    result.at_most("size of the folder", size / 1024, 20_000, "KiB")
    return result


async def _end_all(site, *, is_killed):
    """End the processes that run, kindly or not."""
    processes = [*site.split.servers, *site.split.workers]
    site.split.servers.clear()
    site.split.workers.clear()
    for process in processes:
        process.send_signal(signal.SIGKILL if is_killed else signal.SIGTERM)
    for process in processes:
        await site.call(process.wait, 20)


@scenario(37, restarts=(1, 5), letters=(20, 200))
async def rabbitmq_is_restarted(site, numbers):
    """Pages and new sockets work again soon, and what was to be acknowledged is still there."""
    result = Result()
    broker = site.enter(await site.call(RabbitmqServer().__enter__))
    config = {"url": broker.url, "acknowledged": {"letters": {}}, "expiry": 600}
    config["channel_capacity"] = {"letters": numbers.letters}
    site.configure(layer=config, backend=RABBITMQ)
    await site.start()
    for n in range(numbers.letters):
        await site.call(site.layer.send, "letters", {"n": n})
    longest_s = 0.0
    for _ in range(numbers.restarts):
        socket = await site.open_socket("/echo")
        await site.call(broker.stop)
        await site.call(broker.start)
        longest_s = max(longest_s, await _wait_for_echo(site, time.monotonic()))
        result.true("the socket of before was closed", await socket.wait_closed(15) is not None)
    result.at_most("until a page and an echo came again", longest_s, 10.0, "s")
    reader, found = site.layer.open_reader(["letters"]), set()
    while delivery := (await site.call(reader.take, (), 2.0))[1]:
        found.add(delivery.content["n"])
    result.equal("acknowledged messages that are still there", len(found), numbers.letters)
    return result


async def _wait_for_echo(site, begun):
    """Try until a page and an echo come; return the seconds it took."""
    while time.monotonic() - begun < 30:
        try:
            response = await site.fetch("/")
            if response.status == 200:
                socket = await site.open_socket("/echo")
                socket.send("ping")
                if await socket.wait_for_texts(1, 2.0):
                    return time.monotonic() - begun
        except (OSError, Refused):
            pass  # it is not there yet
        await asyncio.sleep(0.1)
    return float("inf")
