"""python -m tests.benchmarks.round_trips: what an echo and a request ask of one Redis, or of three.

A server without a host server (see profile.py) and one worker, over one Redis, over a cluster of
three masters, and over one partition of that. What is counted does not depend on how busy the
machine is, but for what goes together in one pipeline: a busy one has more of that.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import django
import redis
from django.conf import settings

from channels.layers.names import random_suffix
from tests.benchmarks import profile
from tests.processes import RedisCluster, RedisServer

TICKS = os.sysconf("SC_CLK_TCK")
NO_FILE = {"appendonly": "no"}


class Watch:
    """What server, worker and Redis have done between its begin and its end."""

    def __init__(self, nodes: list[Any]) -> None:
        self._nodes = nodes

    def __enter__(self) -> Watch:
        self._before = self._look()
        return self

    def __exit__(self, *exc_info: object) -> None:
        after = self._look()
        self.spent = {key: after[key] - before for key, before in self._before.items()}

    def _look(self) -> dict[str, float]:
        infos = [node.info() for node in self._nodes]
        return {
            "seconds": time.monotonic(),
            "server": time.thread_time(),
            "worker": sum(map(_cpu_s, multiprocessing.active_children())),
            "redis": sum(info["used_cpu_user"] + info["used_cpu_sys"] for info in infos),
            "commands": sum(info["total_commands_processed"] for info in infos),
            "reads": sum(info["total_reads_processed"] for info in infos),
        }


def _cpu_s(process: Any) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(layer: Any, nodes: list[Any], kind: str, clients: int, messages: int) -> str:
    """Return a row of the table."""
    profile_server: Any = profile.profile_server
    spent = profile_server(layer, kind, messages, Watch(nodes), clients=clients).spent
    cpu_us = [spent[role] / messages * 1e6 for role in ("server", "worker", "redis")]
    cells = [
        f"{messages / spent['seconds']:,.0f}",
        *(f"{micros:.0f}" for micros in (*cpu_us, sum(cpu_us))),
        f"{spent['commands'] / messages:.1f}",
        f"{spent['reads'] / messages:.2f}",
    ]
    return " | ".join(cells)


@click.command()
@click.option("--messages", default=6_400, show_default=True, help="How many, each.")
@click.option("--rounds", default=2, show_default=True, help="How often, in turns.")
def main(messages: int, rounds: int) -> None:
    """Print what an echo and a request take, as a Markdown table."""
    settings.configure(
        SECRET_KEY="only for this",
        USE_TZ=True,
        ALLOWED_HOSTS=["*"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=profile.__name__,
    )
    django.setup()
    click.echo(
        "| layer | work | a second | server µs | worker µs | Redis µs | together | ", nl=False
    )
    click.echo("commands | reads |\n|" + " --- |" * 9)
    with contextlib.ExitStack() as stack:
        makers = _start(stack)
        for _ in range(rounds):
            for kind, clients in (("echo", 50), ("request", 32)):
                for name, (make, nodes) in makers.items():
                    cells = measure(make(), nodes, kind, clients, messages // clients * clients)
                    click.echo(f"| {name} | {kind}, {clients} clients | {cells} |")


def _start(stack: contextlib.ExitStack) -> dict[str, tuple[Callable[[], Any], list[Any]]]:
    """Name -> what makes a layer, and clients of its nodes."""
    from channels.layers.redis import RedisChannelLayer, RedisClusterChannelLayer

    start_redis: Any = RedisServer
    single = stack.enter_context(start_redis(NO_FILE))
    cluster = stack.enter_context(RedisCluster(with_replicas=False, options=NO_FILE))
    nodes = [redis.Redis(port=node.port) for node in cluster.nodes]

    def make_cluster(partitions: int) -> Any:
        return RedisClusterChannelLayer(
            hosts=cluster.hosts, partitions=partitions, prefix=random_suffix()
        )

    return {
        "Redis": (
            lambda: RedisChannelLayer(hosts=[single.tcp_url], prefix=random_suffix()),
            [redis.Redis(port=single.port)],
        ),
        "cluster, 3 partitions": (lambda: make_cluster(3), nodes),
        "cluster, 1 partition": (lambda: make_cluster(1), nodes),
    }


if __name__ == "__main__":
    main()
