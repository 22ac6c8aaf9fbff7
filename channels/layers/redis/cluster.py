"""`RedisClusterChannelLayer`: the Redis layer over the nodes of a cluster."""

from collections.abc import Sequence
from typing import Any

import redis

from channels.exceptions import LayerUnavailable
from channels.layers.redis.layer import RedisChannelLayer
from channels.layers.redis.transport.addresses import read_hosts
from channels.layers.redis.transport.cluster import (
    ClusterHost,
    ClusterMap,
    Node,
    partition_tags,
    slot_of,
)
from channels.layers.redis.transport.hosts import Host

#: Partitions of a layer. A worker that waits has a blocking read on each.
PARTITIONS = 3
#: More than that, and waiting costs more than a node more brings.
MOST_PARTITIONS = 64


class RedisClusterChannelLayer(RedisChannelLayer):
    """A channel layer over a Redis Cluster or Valkey Cluster, version 6.2 or later.

    Args:
        hosts: some of its nodes, as URLs (redis://, rediss://), (host, port) pairs or dicts, from
            which the others are found. User, password and TLS are those of the first.
        partitions: how many parts the layer's keys are in, each with one master at a time; the same
            number in all processes. Default 3: as many as the masters that are to carry messages.
        config: what RedisChannelLayer takes.
    """

    def __init__(
        self, *, hosts: Sequence[Any] | None = None, partitions: int = PARTITIONS, **config: Any
    ) -> None:
        if not isinstance(partitions, int) or not 1 <= partitions <= MOST_PARTITIONS:
            raise ValueError(
                f"partitions must be a number from 1 to {MOST_PARTITIONS}, got {partitions!r}"
            )
        self._partitions = partitions
        super().__init__(hosts=hosts, **config)

    def _make_hosts(
        self, hosts: Sequence[Any] | None, connection_kwargs: dict[str, Any]
    ) -> Sequence[Host]:
        self._map = ClusterMap(read_hosts(hosts), connection_kwargs)
        self._tags = partition_tags(self._partitions)
        return [
            ClusterHost(self._map, tag, connection_kwargs, has_others=self._partitions > 1)
            for tag in self._tags
        ]

    def status(self, names_age_s: float = 0.0) -> dict[str, Any]:
        """See BaseChannelLayer; with `nodes`: a list of dicts of address, role ("master" or
        "replica of ..."), slots (how many), and partitions (how many of
        this layer)."""
        status = super().status(names_age_s)
        return {**status, "nodes": [self._describe(node) for node in self._find_nodes()]}

    def _find_nodes(self) -> list[Node]:
        try:
            return self._map.nodes()
        except (redis.RedisError, OSError) as error:
            raise LayerUnavailable(f"no node says who is in the cluster ({error})") from error

    def _describe(self, node: Node) -> dict[str, Any]:
        master = node.replica_of
        return {
            "address": _text_of(node.address),
            "role": "master" if master is None else f"replica of {_text_of(master)}",
            "slots": sum(last - first + 1 for first, last in node.ranges),
            "partitions": sum(node.has(slot_of(tag)) for tag in self._tags),
        }


def _text_of(address: tuple[str, int]) -> str:
    host, port = address
    return f"{host}:{port}"
