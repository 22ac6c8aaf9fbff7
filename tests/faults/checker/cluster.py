"""The checker over a Redis Cluster: three masters with a replica each, and what breaks there.

Processes reach the nodes themselves, as a cluster names them: there is no network between to break.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import redis

from tests.faults.checker.plan import FAULTS, Fault
from tests.faults.checker.trouble import Event, Trouble
from tests.processes import RedisCluster, wait_until

BACKEND = "channels.layers.redis.RedisClusterChannelLayer"
#: What is not done to a cluster: what is of the network, or of all of Redis at once.
NOT_HERE = {"freeze Redis", "kill Redis", "wipe Redis"} | {name for name in FAULTS if "net" in name}


class Cluster(RedisCluster):
    """What a Site has in the place of a RedisServer."""

    #: A node that stands still is replaced, so none does.
    is_paused = False

    def start(self) -> Cluster:
        """Start it; return self."""
        self.__enter__()
        return self

    def fail_over(self, number: int) -> None:
        """Kill a master; once its replica has taken its place, it comes back as the replica of
        that."""
        masters = self.masters
        master: Any = masters[number % len(masters)]
        wait: Any = wait_until
        master.kill()
        wait(lambda: len(self.masters) == len(masters), limit_s=30, what="a replica took over")
        master.start()
        self.wait_until_well()


class ClusterTrouble(Trouble):
    """Trouble for a cluster."""

    def _env(self, side: str) -> dict[str, str]:
        return {"FAULTS_CONFIG": json.dumps({**self._config, "hosts": self.site.redis.hosts})}

    async def cut_connections(self, event: Event, fault: Fault) -> None:
        for node in self.site.redis.masters:
            with node.client() as client:
                client.client_kill_filter(_type="normal", skipme=True)

    async def pause_clients(self, event: Event, fault: Fault) -> None:
        node: Any = fault.chance.choice(self.site.redis.masters)
        with node.client() as client:
            client.execute_command("CLIENT", "PAUSE", int(fault.length_s * 1000))
        await asyncio.sleep(fault.length_s)

    async def lose_scripts(self, event: Event, fault: Fault) -> None:
        for node in self.site.redis.masters:
            with node.client() as client, contextlib.suppress(redis.ConnectionError):
                client.script_flush()

    async def lose_last_moments(self, event: Event, fault: Fault) -> None:
        """What a master had not told its replica yet is lost."""
        await self.site.call(self.site.redis.fail_over, fault.chance.randrange(3))
