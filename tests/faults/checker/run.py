"""One run: a site, its traffic, the faults of a seed, rest, and the verdict."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from tests.faults.checker.cluster import BACKEND, NOT_HERE, Cluster, ClusterTrouble
from tests.faults.checker.figures import figures_of
from tests.faults.checker.history import History
from tests.faults.checker.judgement import Finding, Past, check
from tests.faults.checker.judgement.jobs import ONCE, OWNED
from tests.faults.checker.network import Network
from tests.faults.checker.plan import plan
from tests.faults.checker.traffic import Traffic
from tests.faults.checker.trouble import Trouble
from tests.faults.site import Site, wait_until

SERVERS, WORKERS, THREADS = 2, 3, 2
APPLICATION = "tests.faults.project.hosted.application"
CONFIG = {
    "acknowledged": {OWNED: {"timeout_s": 5}},
    "channel_capacity": {"checked.*": 5_000},
    # Longer than anything stands still: what expires is lost, as it is told to be.
    "channel_expiry": {"checked.*": 600},
}
#: What all channels have to be through with.
CHANNELS = [
    ONCE,
    OWNED,
    "http.request",
    "websocket.connect",
    "websocket.receive",
    "websocket.disconnect",
    "websocket.resume",
]
#: How long everything may take to come to rest: a server that was killed is buried after 40 s, and
#: its instances are let go within a minute.
REST_LIMIT_S = 90.0
#: A worker that has shown no sign of life for so long is dead.
DEAD_AFTER_S = 9.0


class Run:
    """A seed, and what came of it: `history`, `findings` and `figures`.

    Args:
        seed, seconds: which faults, and for how long they go on.
        longest_s: no fault goes on for longer.
        is_hasty: whether dead servers are found out in seconds; then nothing may stand still for
            longer than that.
        on_cluster: whether it is over a Redis Cluster.
        say: called with each line that tells how it goes.
    """

    def __init__(
        self,
        seed: int,
        seconds: float,
        *,
        longest_s: float = 90.0,
        is_hasty: bool = False,
        on_cluster: bool = False,
        say: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.seed, self.seconds, self._say = seed, seconds, say
        self._plan = plan(seed, seconds, longest_s, NOT_HERE if on_cluster else ())
        self._is_hasty, self._on_cluster = is_hasty, on_cluster
        self.history, self.logs = History(), ""
        self.findings: list[Finding] = []
        self.figures: dict[str, Any] = {}

    def execute(self) -> bool:
        """Do it; return whether nothing was found."""
        asyncio.run(self._execute())
        return not self.findings

    async def _execute(self) -> None:
        site: Any
        async with Site(redis=Cluster() if self._on_cluster else None) as site:
            first = site.redis.nodes[0] if self._on_cluster else site.redis
            network = Network(("127.0.0.1", first.port))
            site.enter(network.start())
            where: Any = {"backend": BACKEND} if self._on_cluster else {}
            config = {**CONFIG, "hosts": site.redis.hosts} if self._on_cluster else CONFIG
            site.configure(
                layer=config, HASTE=self._is_hasty, ASGI_APPLICATION=APPLICATION, **where
            )
            await self._break(site, network)
            await self._rest(site)
            past = Past([*self.history.events, *site.ledger.records()], THREADS)
            self.history.events = past.events
            self.findings = check(past)
            self.figures = figures_of(past)
            if self.findings:
                self.logs = site.split.logs

    async def _break(self, site: Any, network: Network) -> None:
        traffic = Traffic(
            self.history,
            random.Random(f"traffic {self.seed}"),
            site.layer,
            lambda: addresses,
        )
        kind = ClusterTrouble if self._on_cluster else Trouble
        trouble = kind(site, self.history, network, CONFIG, THREADS, traffic.reconnect)
        for _ in range(SERVERS):
            await trouble.start_server()
        addresses = [("127.0.0.1", server.port) for server in site.split.servers]
        for _ in range(WORKERS):
            await trouble.start_worker()
            self.history.note("workers")
        traffic.start()
        await self._make_trouble(trouble)
        await traffic.stop()

    async def _make_trouble(self, trouble: Trouble) -> None:
        begun = time.monotonic()
        for fault in self._plan:
            await asyncio.sleep(fault.wait_s)
            length = f", {fault.length_s:.1f} s" if fault.length_s else ""
            self._say(f"{time.monotonic() - begun:6.1f} s  {fault.name}{length}")
            await trouble.make(fault)
        await asyncio.sleep(max(2.0, self.seconds - (time.monotonic() - begun)))

    async def _rest(self, site: Any) -> None:
        """Wait until nothing moves any more; note what is left then."""
        event = self.history.note("rest")
        await wait_until(lambda: not _waiting(site), limit_s=REST_LIMIT_S)
        await self._settle(site)
        await wait_until(lambda: not _sockets(site), limit_s=REST_LIMIT_S)
        await self._settle(site, 1.0)  # the last disconnects were made up just now
        event.update(
            at=time.time(),
            waiting=_waiting(site),
            sockets=_sockets(site),
            eternal_keys=_eternal_keys(site),
            is_well=(await site.fetch("/")).status == 200,
        )

    async def _settle(self, site: Any, quiet_s: float = 7.0) -> None:
        """Wait until nobody has noted anything for a while: owned jobs come again."""
        count = -1
        while count != len(site.ledger.records()):
            count = len(site.ledger.records())
            await asyncio.sleep(quiet_s)


def _waiting(site: Any) -> dict[str, int]:
    """How many messages wait on each channel that has any."""
    pending = {name: site.layer.channel_statistics(name)["messages_pending"] for name in CHANNELS}
    return {name: count for name, count in pending.items() if count}


def _sockets(site: Any) -> int:
    """How many sockets servers, and workers that live, still know of."""
    status = site.layer.status()
    workers = [one for one in status["workers"] if one["seen_s"] < DEAD_AFTER_S]
    return sum(one.get("sockets") or 0 for one in [*status["servers"], *workers])


def _eternal_keys(site: Any) -> list[str]:
    """The keys that would stay for good, but for the registry, which is of a fixed size."""
    found: list[str] = []
    for node in getattr(site.redis, "masters", [site.redis]):
        with node.client() as client:
            keys = [key for key in client.scan_iter() if b"{registry}" not in key]
            found += [key.decode() for key in keys if client.pttl(key) == -1]
    return found
