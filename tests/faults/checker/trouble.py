"""Breaks a site as planned, and mends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis

from tests.faults.checker.history import History
from tests.faults.checker.network import SIDES, Network
from tests.faults.checker.plan import Fault

Event = dict[str, Any]
#: How each interface server is started. A request that its worker took with it when it was killed
#: gets 503 after this; the visitors wait for longer, to tell it from one that hangs.
SERVER_ARGS = ("--http-timeout", "30")
#: A network that is slow delays each byte for so long; one that is lossy loses such a share.
SLOW_S, LOSS = (0.005, 0.05), (0.01, 0.08)


class Trouble:
    """Does what a plan says.

    Args:
        site, history, network: what is broken, and where it is noted down.
        config: the CONFIG of the channel layer, but for its hosts.
        threads: how many consumer threads a worker has.
        reconnect: called to have all clients come again.
    """

    def __init__(
        self,
        site: Any,
        history: History,
        network: Network,
        config: dict[str, Any],
        threads: int,
        reconnect: Callable[[], None],
    ) -> None:
        self.site, self._history, self._network = site, history, network
        self._config, self._threads, self._reconnect = config, threads, reconnect

    async def make(self, fault: Fault) -> None:
        """Let one fault happen; return once it is mended."""
        event = self._history.note("fault", name=fault.name, pids=[], ports=[], frozen=[])
        try:
            await getattr(self, DEEDS[fault.name].__name__)(event, fault)
        finally:
            event["until"] = time.time()

    # -- processes ----------------------------------------------------------------------------

    def _env(self, side: str) -> dict[str, str]:
        """The environment of a process that reaches Redis over its side of the network."""
        hosts = {"hosts": [list(self._network.addresses[side])]}
        return {"FAULTS_CONFIG": json.dumps({**self._config, **hosts})}

    async def start_worker(self) -> None:
        """Start another worker."""
        start = self.site.split.start_worker
        await self.site.call(start, f"--threads={self._threads}", env=self._env("workers"))

    async def start_server(self, port: int | None = None) -> None:
        """Start an interface server."""
        await self.site.start_server(*SERVER_ARGS, port=port, env=self._env("servers"))

    @staticmethod
    def _take(processes: list[Any], fault: Fault) -> Any:
        process = fault.chance.choice(processes)
        processes.remove(process)
        return process

    async def _stand_still(self, event: Event, processes: list[Any], length_s: float) -> None:
        event["frozen"] += [process.pid for process in processes]
        for process in processes:
            process.pause()
        await asyncio.sleep(length_s)
        for process in processes:
            process.resume()

    async def kill_worker(self, event: Event, fault: Fault) -> None:
        worker = self._take(self.site.split.workers, fault)
        event["pids"].append(worker.pid)
        await self.site.call(worker.kill)
        await self.start_worker()

    async def stop_worker(self, event: Event, fault: Fault) -> None:
        worker = self._take(self.site.split.workers, fault)
        await self.site.call(worker.stop, 30)
        await self.start_worker()

    async def restart_all(self, event: Event, fault: Fault) -> None:
        """A deploy: one after the other; as often as not while every client reconnects."""
        if fault.chance.random() < 0.5:
            self._reconnect()
        for worker in list(self.site.split.workers):
            await self.start_worker()
            self.site.split.workers.remove(worker)
            await self.site.call(worker.stop, 30)

    async def leave_no_worker(self, event: Event, fault: Fault) -> None:
        workers, self.site.split.workers[:] = list(self.site.split.workers), []
        await asyncio.gather(*(self.site.call(worker.stop, 30) for worker in workers))
        await asyncio.sleep(fault.length_s)
        for _ in workers:
            await self.start_worker()

    async def freeze_worker(self, event: Event, fault: Fault) -> None:
        workers = self.site.split.workers
        everyone = fault.chance.random() < 0.25
        chosen = list(workers) if everyone else [fault.chance.choice(workers)]
        await self._stand_still(event, chosen, fault.length_s)

    async def kill_server(self, event: Event, fault: Fault) -> None:
        server = self._take(self.site.split.servers, fault)
        event["pids"].append(server.pid)
        event["ports"].append(server.port)
        await self.site.call(server.kill)
        await asyncio.sleep(fault.length_s)
        await self.start_server(server.port)

    async def stop_server(self, event: Event, fault: Fault) -> None:
        server = self._take(self.site.split.servers, fault)
        event["ports"].append(server.port)
        await self.site.call(server.stop)
        await self.start_server(server.port)

    async def freeze_server(self, event: Event, fault: Fault) -> None:
        server = fault.chance.choice(self.site.split.servers)
        event["ports"].append(server.port)
        await self._stand_still(event, [server], fault.length_s)

    async def reconnect_clients(self, event: Event, fault: Fault) -> None:
        self._reconnect()

    # -- Redis --------------------------------------------------------------------------------

    async def cut_connections(self, event: Event, fault: Fault) -> None:
        with self.site.redis.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)

    async def pause_clients(self, event: Event, fault: Fault) -> None:
        with self.site.redis.client() as client:
            client.execute_command("CLIENT", "PAUSE", int(fault.length_s * 1000))
        await asyncio.sleep(fault.length_s)

    async def freeze_redis(self, event: Event, fault: Fault) -> None:
        self.site.redis.pause()
        await asyncio.sleep(fault.length_s)
        self.site.redis.resume()

    async def kill_redis(self, event: Event, fault: Fault) -> None:
        await self.site.call(self.site.redis.kill)
        await asyncio.sleep(fault.length_s)
        await self.site.call(self.site.redis.start)

    async def lose_last_moments(self, event: Event, fault: Fault) -> None:
        await self.site.call(self.site.redis.lose_last, fault.length_s)

    async def wipe_redis(self, event: Event, fault: Fault) -> None:
        await self.site.call(self.site.redis.kill)
        await asyncio.sleep(fault.length_s)
        await self.site.call(self.site.redis.wipe)
        await self.site.call(self.site.redis.start)

    async def lose_scripts(self, event: Event, fault: Fault) -> None:
        with self.site.redis.client() as client, contextlib.suppress(redis.ConnectionError):
            client.script_flush()

    # -- the network --------------------------------------------------------------------------

    def _choose_sides(self, event: Event, fault: Fault) -> tuple[str, ...]:
        """One side of the network, or both."""
        sides: tuple[str, ...] = fault.chance.choice([(SIDES[0],), (SIDES[1],), SIDES])
        event["sides"] = list(sides)
        return sides

    async def cut_network(self, event: Event, fault: Fault) -> None:
        for side in self._choose_sides(event, fault):
            self._network.cut(side)

    async def slow_network(self, event: Event, fault: Fault) -> None:
        delay_s = fault.chance.uniform(*SLOW_S)
        await self._have_network(event, fault, delay_s=delay_s)

    async def lose_packets(self, event: Event, fault: Fault) -> None:
        await self._have_network(event, fault, loss=fault.chance.uniform(*LOSS))

    async def _have_network(self, event: Event, fault: Fault, **how: float) -> None:
        sides = self._choose_sides(event, fault)
        for side in sides:
            self._network.be(side, **how)
        await asyncio.sleep(fault.length_s)
        for side in sides:
            self._network.be(side)

    async def silence_network(self, event: Event, fault: Fault) -> None:
        sides = self._choose_sides(event, fault)
        if "workers" in sides:
            event["frozen"] += [worker.pid for worker in self.site.split.workers]
        for side in sides:
            self._network.silence(side)
        await asyncio.sleep(fault.length_s)
        for side in sides:
            self._network.end_silence(side)


Deed = Callable[[Trouble, Event, Fault], Awaitable[None]]
#: What is done for each fault of a plan.
DEEDS: dict[str, Deed] = {
    "kill worker": Trouble.kill_worker,
    "stop worker": Trouble.stop_worker,
    "rolling restart": Trouble.restart_all,
    "no worker": Trouble.leave_no_worker,
    "freeze worker": Trouble.freeze_worker,
    "kill server": Trouble.kill_server,
    "stop server": Trouble.stop_server,
    "freeze server": Trouble.freeze_server,
    "freeze Redis": Trouble.freeze_redis,
    "pause clients": Trouble.pause_clients,
    "lose scripts": Trouble.lose_scripts,
    "kill Redis": Trouble.kill_redis,
    "lose last moments": Trouble.lose_last_moments,
    "wipe Redis": Trouble.wipe_redis,
    "cut connections": Trouble.cut_connections,
    "cut network": Trouble.cut_network,
    "slow network": Trouble.slow_network,
    "lossy network": Trouble.lose_packets,
    "silent network": Trouble.silence_network,
    "clients reconnect": Trouble.reconnect_clients,
}
