"""Sockets of class consumers: their workers restart, die and freeze, and Redis goes away."""

import asyncio
import random
import time

from tests.faults.result import Result, percentile
from tests.faults.scenario import scenario
from tests.faults.site import wait_until

APPLICATION = "tests.faults.project.hosted.application"


class Talk:
    """Clients that send numbers all the time, each its own: 0, 1, 2 …"""

    def __init__(self, sockets, per_s):
        self._sockets, self._pause_s = sockets, 1 / per_s
        self._sent_at = [[] for _ in sockets]
        self._task = asyncio.create_task(self._talk())

    async def _talk(self):
        while True:
            place = random.randrange(len(self._sockets))
            if self._sockets[place].is_open:
                self._sockets[place].send(str(len(self._sent_at[place])))
                self._sent_at[place].append(time.monotonic())
            await asyncio.sleep(self._pause_s)

    async def stop(self, limit_s=30.0):
        """Send no more, and wait until everything is answered."""
        self._task.cancel()
        await wait_until(lambda: not self.unanswered, limit_s=limit_s)

    @property
    def sent(self):
        return sum(map(len, self._sent_at))

    @property
    def unanswered(self):
        return self.sent - sum(len(socket.texts) for socket in self._sockets)

    def judge(self, result):
        """Note what became of the sockets and of what they sent."""
        closed = sum(not socket.is_open for socket in self._sockets)
        expected = [[f"{n} {n + 1}" for n in range(len(sent))] for sent in self._sent_at]
        wrong = sum(
            socket.texts != texts for socket, texts in zip(self._sockets, expected, strict=True)
        )
        result.note(f"{self.sent} frames")
        result.equal("sockets closed", closed, 0)
        result.equal("frames lost", max(self.unanswered, 0), 0)
        result.equal("sockets with a frame twice, late or uncounted", wrong, 0)

    def waits_s(self, since=0.0):
        """How long answers took, of what was sent after a time."""
        return [
            arrived - sent
            for socket, times in zip(self._sockets, self._sent_at, strict=True)
            for sent, arrived in zip(times, socket.arrivals, strict=False)
            if sent >= since
        ]


@scenario(
    70,
    hosts=("daphne", "uvicorn"),
    sockets=(60, 2_000),
    workers=(2, 4),
    per_s=(100, 500),
    longest_s=(3.0, 0.5),
)
async def a_rolling_restart_keeps_class_sockets(site, numbers):
    site.configure(ASGI_APPLICATION=APPLICATION)
    await site.start(workers=numbers.workers)
    sockets = await site.open_sockets(numbers.sockets, "/counting/")
    talk = Talk(sockets, numbers.per_s)
    for worker in list(site.split.workers):
        await site.start_worker()
        await site.call(worker.stop)
    await talk.stop()
    result = Result()
    talk.judge(result)
    waits_s = talk.waits_s()
    result.note(f"median {percentile(waits_s, 0.5) * 1000:.0f} ms")
    result.at_most("the longest wait", max(waits_s), numbers.longest_s, "s")
    return result


@scenario(71, sockets=(40, 500), per_s=(80, 300), down_s=(3.0, 10.0))
async def redis_is_away_while_class_sockets_move(site, numbers):
    site.configure(ASGI_APPLICATION=APPLICATION)
    await site.start(workers=2)
    sockets = await site.open_sockets(numbers.sockets, "/counting/")
    talk = Talk(sockets, numbers.per_s)
    await asyncio.sleep(1)
    first = site.split.workers[0]
    site.redis.pause()
    stopping = asyncio.ensure_future(site.call(first.stop, 30))
    await asyncio.sleep(numbers.down_s)
    site.redis.resume()
    await stopping
    await asyncio.sleep(1)
    await talk.stop()
    result = Result()
    talk.judge(result)
    return result


@scenario(72, sockets=(40, 500), per_s=(80, 300))
async def a_killed_worker_loses_nothing_of_sockets_with_checkpoints(site, numbers):
    site.configure(ASGI_APPLICATION=APPLICATION)
    await site.start(workers=2)
    sockets = await site.open_sockets(numbers.sockets, "/kept/")
    talk = Talk(sockets, numbers.per_s)
    await asyncio.sleep(1)
    await site.call(site.split.workers[0].kill)
    killed_at = time.monotonic()
    await asyncio.sleep(15)
    await talk.stop()
    result = Result()
    talk.judge(result)
    result.at_most("the longest wait", max(talk.waits_s(killed_at - 1)), 15.0, "s")
    return result


@scenario(73, sockets=(40, 300), per_s=(80, 200), frozen_s=(20.0, 90.0))
async def a_worker_that_was_frozen_lets_go_of_its_class_sockets(site, numbers):
    site.configure(ASGI_APPLICATION=APPLICATION)
    await site.start(workers=2)
    sockets = await site.open_sockets(numbers.sockets, "/kept/")
    talk = Talk(sockets, numbers.per_s)
    await asyncio.sleep(1)
    worker = site.split.workers[0]
    worker.pause()
    await asyncio.sleep(numbers.frozen_s)
    worker.resume()
    await asyncio.sleep(3)
    await talk.stop()
    result = Result()
    talk.judge(result)
    return result
