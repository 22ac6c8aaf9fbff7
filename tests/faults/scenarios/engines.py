"""Layers other than Redis: processes and brokers that end in the middle, again and again."""

import signal

from channels.layers.local.wakeups import SUFFIX
from tests.faults.result import Result
from tests.faults.scenario import scenario

LOCAL = "channels.layers.local.LocalChannelLayer"


@scenario(38, starts=(6, 100))
async def the_local_layer_is_started_stopped_and_killed(site, numbers):
    """Each time a page and an echo must come, whatever the last processes left behind."""
    folder = site.directory / "layer"
    site.configure(layer={"folder": str(folder)}, backend=LOCAL)
    result, worked = Result(), 0
    for number in range(numbers.starts):
        await site.start()
        response = await site.fetch("/")
        socket = await site.open_socket("/echo")
        socket.send("ping")
        await socket.wait_for_texts(1)
        worked += response.status == 200
        await _end_all(site, is_killed=number % 2 == 1)
        socket.vanish()
    result.equal("starts after which a page and an echo came", worked, numbers.starts)
    await site.start()
    await _end_all(site, is_killed=False)
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
