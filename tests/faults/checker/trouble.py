"""The faults, and the seed's choice of them."""

import asyncio
import random
import time

import redis

#: How each interface server is started. A request that its worker took with it when it was killed
#: gets 503 after this; the visitors wait for longer, to tell it from one that hangs.
SERVER_ARGS = ("--http-timeout", "30")
#: Seconds between the end of one fault and the begin of the next.
PAUSE_S = (2.0, 6.0)


def plan(seed, seconds):
    """Return the faults of a seed, as a list of (seconds to wait before it, name, chance).

    `chance` is the fault's own random.Random, so that one fault draws nothing from another.
    """
    chance, faults, left_s = random.Random(seed), [], float(seconds)
    while True:
        wait_s, name = chance.uniform(*PAUSE_S), chance.choice(sorted(FAULTS))
        left_s -= wait_s + TYPICAL_S
        if left_s < 0:
            return faults
        faults.append((wait_s, name, random.Random(chance.random())))


class Trouble:
    """Breaks a site as planned, and mends it."""

    def __init__(self, site, history, threads):
        self.site, self._history, self._threads = site, history, threads

    async def make(self, name, chance):
        """Let one fault happen; return once it is mended."""
        event = self._history.note("fault", name=name, pids=[])
        try:
            await FAULTS[name](self, event, chance)
        finally:
            event["until"] = time.time()

    # -- workers ------------------------------------------------------------------------------

    async def kill_worker(self, event, chance):
        worker = self._take(self.site.split.workers, event, chance)
        await self.site.call(worker.kill)
        await self.start_worker()

    async def stop_worker(self, event, chance):
        worker = self._take(self.site.split.workers, event, chance, is_fatal=False)
        await self.site.call(worker.stop)
        await self.start_worker()

    async def freeze_worker(self, event, chance):
        worker = chance.choice(self.site.split.workers)
        worker.pause()
        await asyncio.sleep(chance.uniform(0.5, 3.0))
        worker.resume()

    async def start_worker(self):
        """Start another worker."""
        await self.site.start_worker(f"--threads={self._threads}")

    # -- interface servers --------------------------------------------------------------------

    async def kill_server(self, event, chance):
        server = self._take(self.site.split.servers, event, chance)
        await self.site.call(server.kill)
        await asyncio.sleep(chance.uniform(0, 2))
        await self.site.start_server(*SERVER_ARGS, port=server.port)

    async def stop_server(self, event, chance):
        server = self._take(self.site.split.servers, event, chance, is_fatal=False)
        await self.site.call(server.stop)
        await self.site.start_server(*SERVER_ARGS, port=server.port)

    async def freeze_server(self, event, chance):
        server = chance.choice(self.site.split.servers)
        server.pause()
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        server.resume()

    @staticmethod
    def _take(processes, event, chance, is_fatal=True):
        process = chance.choice(processes)
        processes.remove(process)
        if is_fatal:
            event["pids"].append(process.pid)
        return process

    # -- Redis --------------------------------------------------------------------------------

    async def cut_connections(self, event, chance):
        with self.site.redis.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)

    async def pause_clients(self, event, chance):
        pause_ms = int(chance.uniform(200, 2_000))
        with self.site.redis.client() as client:
            client.execute_command("CLIENT", "PAUSE", pause_ms)
        await asyncio.sleep(pause_ms / 1000)

    async def freeze_redis(self, event, chance):
        self.site.redis.pause()
        await asyncio.sleep(chance.uniform(0.5, 3.0))
        self.site.redis.resume()

    async def kill_redis(self, event, chance):
        await self.site.call(self.site.redis.kill)
        await asyncio.sleep(chance.uniform(0.1, 3.0))
        await self.site.call(self.site.redis.start)

    async def wipe_redis(self, event, chance):
        await self.site.call(self.site.redis.kill)
        await asyncio.sleep(chance.uniform(0.1, 1.0))
        await self.site.call(self.site.redis.wipe)
        await self.site.call(self.site.redis.start)

    async def lose_scripts(self, event, chance):
        with self.site.redis.client() as client, _patience():
            client.script_flush()


def _patience():
    import contextlib

    return contextlib.suppress(redis.ConnectionError)


#: How long a fault takes, about.
TYPICAL_S = 2.0
FAULTS = {
    "kill worker": Trouble.kill_worker,
    "stop worker": Trouble.stop_worker,
    "freeze worker": Trouble.freeze_worker,
    "kill server": Trouble.kill_server,
    "stop server": Trouble.stop_server,
    "freeze server": Trouble.freeze_server,
    "cut connections": Trouble.cut_connections,
    "pause clients": Trouble.pause_clients,
    "freeze Redis": Trouble.freeze_redis,
    "kill Redis": Trouble.kill_redis,
    "wipe Redis": Trouble.wipe_redis,
    "lose scripts": Trouble.lose_scripts,
}
