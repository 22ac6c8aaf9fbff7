"""Make a Redis Cluster of nodes that run on this machine: `... make_cluster ADDRESS PORT ...`.

ADDRESS is where the others reach this machine; the bus of a node is 10,000 above its port.
"""

from __future__ import annotations

import sys
import time

import redis

SLOTS = 16_384


def make(address: str, ports: list[int]) -> None:
    nodes = [redis.Redis(port=port) for port in ports]
    for number, node in enumerate(nodes):
        share = range(number * SLOTS // len(nodes), (number + 1) * SLOTS // len(nodes))
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", share[0], share[-1])
        node.execute_command("CLUSTER", "MEET", address, ports[0], ports[0] + 10_000)
    while not all(is_well(node, len(nodes)) for node in nodes):
        time.sleep(0.05)


def is_well(node: redis.Redis, count: int) -> bool:
    info = node.execute_command("CLUSTER INFO")
    text = (
        info.decode() if isinstance(info, bytes) else "\n".join(f"{k}:{v}" for k, v in info.items())
    )
    return "cluster_state:ok" in text and f"cluster_known_nodes:{count}" in text


if __name__ == "__main__":
    make(sys.argv[1], [*map(int, sys.argv[2:])])
