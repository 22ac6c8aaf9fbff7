"""Workers that host sockets of a server: who is taken for dead, and when."""

import asyncio

from channels.exceptions import LayerUnavailable
from interface_server.owners.watch import OwnerWatch
from tests.interface_server.fakes import in_loop

#: The layer is away for less than the server lets pass between two looks, every 2 s.
AWAY_FROM_S, AWAY_UNTIL_S = 27.0, 29.5


class Process:
    """A server that looks for a minute after one worker, and notes when it takes it for dead.

    Args:
        signs_s: when the worker gives signs of life, in seconds from the first look on.
    """

    def __init__(self, signs_s):
        self.loop, self.link, self.lost_at_s = asyncio.get_running_loop(), self, []
        self._signs_s, self._began_s = signs_s, self.loop.time()

    @property
    def _now_s(self):
        return self.loop.time() - self._began_s

    def queues(self):
        return {"worker.one!"}

    def lose(self, queue):
        self.lost_at_s.append(self._now_s)

    async def worker_ages_s(self):
        if AWAY_FROM_S <= self._now_s < AWAY_UNTIL_S:
            raise LayerUnavailable("Redis is away", was_sent=False)
        return {"one": self._now_s - max(one for one in self._signs_s if one <= self._now_s)}

    async def look(self):
        watch = OwnerWatch(self, self)
        watch.start()
        await asyncio.sleep(60.0)
        watch.stop()
        return self.lost_at_s


@in_loop
async def test_a_worker_has_time_to_show_that_it_lives_after_a_short_outage():
    before, after = range(0, 22, 2), range(31, 61, 2)  # and stood still for a while before it
    assert await Process([*before, *after]).look() == []


@in_loop
async def test_a_worker_that_died_is_taken_for_dead_soon_after_an_outage():
    lost_at_s = await Process(range(0, 22, 2)).look()
    assert AWAY_UNTIL_S < lost_at_s[0] < AWAY_UNTIL_S + 8.0
