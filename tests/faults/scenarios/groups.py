"""Groups: every member gets every message, and only members do."""

import asyncio
import time

from tests.faults.result import Result, percentile
from tests.faults.scenario import scenario
from tests.faults.site import wait_until


class Audience:
    """Counts what the sockets of a group hear; texts are the numbers of broadcasts."""

    def __init__(self, sockets):
        self.sockets = sockets
        self.heard = 0
        self.last_at = {}
        for socket in sockets:
            socket.on_text = self._hear

    def _hear(self, text):
        self.heard += 1
        self.last_at[int(text.partition(" ")[0])] = time.monotonic()


@scenario(1, sockets=(200, 1_000), broadcasts=(10, 50), every_s=(0.3, 1.0))
async def every_socket_hears_every_broadcast(site, numbers):
    await site.start(workers=2)
    audience = Audience(await site.open_sockets(numbers.sockets, "/group"))
    sent_at = {}
    for number in range(numbers.broadcasts):
        sent_at[number] = time.monotonic()
        site.layer.send_group("group", {"text": str(number)})
        await asyncio.sleep(numbers.every_s)
    wanted = numbers.sockets * numbers.broadcasts
    await wait_until(lambda: audience.heard >= wanted, limit_s=10)
    fan_outs = [audience.last_at[n] - at for n, at in sent_at.items() if n in audience.last_at]
    result = Result()
    result.equal("frames", audience.heard, wanted)
    result.at_most("p99 of the fan-out", percentile(fan_outs, 0.99), 1.0, "s")
    return result


@scenario(1, sockets=(50, 200), broadcasts=(400, 400))
async def only_the_slow_socket_is_closed(site, numbers):
    """The slow one takes nothing; more is sent than the buffers on the way to it hold."""
    await site.start(workers=1)
    slow = await site.open_socket("/group", receive_buffer=4096)
    await site.ledger.wait_for(1, "connect")
    (slow_name,) = site.ledger.values("socket", "connect")
    audience = Audience(await site.open_sockets(numbers.sockets, "/group"))
    slow.stop_reading()
    padding = " " * 50_000
    for number in range(numbers.broadcasts):
        site.layer.send_group("group", {"text": f"{number}{padding}"})
        await wait_until(lambda n=number: audience.heard > numbers.sockets * (n - 20))
    wanted = numbers.sockets * numbers.broadcasts
    await wait_until(lambda: audience.heard >= wanted)
    await site.ledger.wait_for(1, "disconnect", limit_s=15)
    result = Result()
    result.equal("frames that the others heard", audience.heard, wanted)
    left = [(record["socket"], record["code"]) for record in site.ledger.records("disconnect")]
    result.true(f"closed: the slow one, with 1013 ({left})", left == [(slow_name, 1013)])
    return result


@scenario(1, sockets=(20, 100), broadcasts=(5_100, 6_000))
async def drops_are_counted(site, numbers):
    """The server stands still, and more broadcasts come than its queue holds."""
    await site.start(workers=1)
    audience = Audience(await site.open_sockets(numbers.sockets, "/group"))
    server = site.split.servers[0]
    server.pause()
    for number in range(numbers.broadcasts):
        site.layer.send_group("group", {"text": str(number)})
    server.resume()
    await wait_until(lambda: audience.heard >= numbers.sockets * 5_000)
    dropped = site.layer.global_statistics()["dropped_count"]
    result = Result()
    result.note(f"{numbers.sockets * numbers.broadcasts} frames for a server that stood still")
    wanted = numbers.sockets * numbers.broadcasts
    result.equal("heard or counted as dropped", audience.heard + dropped, wanted)
    result.true(f"{dropped} dropped", dropped > 0)
    result.true("no socket was closed", all(socket.is_open for socket in audience.sockets))
    return result


@scenario(16, group_expiry_s=(1, 10), broadcasts=(10, 60), every_s=(0.5, 1.0))
async def a_live_member_does_not_expire(site, numbers):
    site.configure(layer={"group_expiry": numbers.group_expiry_s})
    await site.start()
    socket = await site.open_socket("/group")
    await site.ledger.wait_for(1, "connect")
    for number in range(numbers.broadcasts):
        await asyncio.sleep(numbers.every_s)
        site.layer.send_group("group", {"text": str(number)})
    result = Result()
    heard = await socket.wait_for_texts(numbers.broadcasts, limit_s=5)
    result.equal("broadcasts", heard, numbers.broadcasts)
    return result
