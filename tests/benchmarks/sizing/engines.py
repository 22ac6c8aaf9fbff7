"""The layers that are measured, each over an engine of its own."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from channels.layers.base import BaseChannelLayer
from channels.layers.local import LocalChannelLayer
from channels.layers.rabbitmq import RabbitmqChannelLayer
from channels.layers.redis import RedisChannelLayer, RedisClusterChannelLayer
from tests.benchmarks.usage import Usage
from tests.processes import RedisCluster, RedisServer
from tests.processes.rabbitmq_server import RabbitmqServer

#: Room for all that is left waiting on purpose.
CAPACITY = 200_000


@dataclass
class Engine:
    """One layer to measure.

    Attributes:
        name: of the layer.
        make: makes one more layer over it, below a prefix.
        memory: bytes that it takes just now.
        pids: its processes; none for the local layer, whose work is done by those that use it.
    """

    name: str
    make: Callable[[str], BaseChannelLayer]
    memory: Callable[[], int]
    pids: list[int] = field(default_factory=list)
    _prefixes: Iterator[str] = field(
        default_factory=lambda: map("size{}.".format, itertools.count())
    )

    def make_layer(self) -> BaseChannelLayer:
        """A layer of its own."""
        return self.make(next(self._prefixes))

    def next_prefix(self) -> str:
        return next(self._prefixes)

    def cpu_s(self) -> float:
        """CPU seconds that the engine has used."""
        return float(Usage({"engine": self.pids}).cpu_s()["engine"])


def _resident(pids: list[int]) -> int:
    return int(Usage({"engine": pids}).memory_bytes()["engine"])


@contextlib.contextmanager
def open_redis() -> Iterator[Engine]:
    with RedisServer({"appendonly": "no"}) as server:

        def memory() -> int:
            with server.client() as client:
                return int(client.info("memory")["used_memory"])

        yield Engine("redis", _redis(server.tcp_url), memory, server.pids)


def _redis(url: str) -> Callable[[str], BaseChannelLayer]:
    return lambda prefix: RedisChannelLayer(hosts=[url], prefix=prefix, capacity=CAPACITY)


@contextlib.contextmanager
def open_cluster(masters: int = 3) -> Iterator[Engine]:
    options = {"appendonly": "no"}
    with RedisCluster(masters, with_replicas=False, options=options) as cluster:

        def make(prefix: str) -> BaseChannelLayer:
            hosts = cluster.hosts
            return RedisClusterChannelLayer(
                hosts=hosts, partitions=masters, prefix=prefix, capacity=CAPACITY
            )

        def memory() -> int:
            total = 0
            for node in cluster.masters:
                with node.client() as client:
                    total += int(client.info("memory")["used_memory"])
            return total

        yield Engine("cluster", make, memory, cluster.pids)


@contextlib.contextmanager
def open_rabbitmq() -> Iterator[Engine]:
    with RabbitmqServer() as broker:

        def make(prefix: str) -> BaseChannelLayer:
            return RabbitmqChannelLayer(url=broker.url, prefix=prefix, capacity=CAPACITY)

        yield Engine("rabbitmq", make, lambda: _resident(broker.pids), broker.pids)


@contextlib.contextmanager
def open_local() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="sizing-") as folder:

        def make(prefix: str) -> BaseChannelLayer:
            return LocalChannelLayer(folder=Path(folder, prefix), capacity=CAPACITY)

        def memory() -> int:
            return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())

        yield Engine("local", make, memory)


ENGINES: dict[str, Callable[[], Any]] = {
    "redis": open_redis,
    "cluster": open_cluster,
    "rabbitmq": open_rabbitmq,
    "local": open_local,
}


def own_cpu_s() -> float:
    """CPU seconds of this process, which sends and receives."""
    times = psutil.Process().cpu_times()
    return times.user + times.system
