"""`RedisClusterChannelLayer`: the Redis layer over the nodes of a cluster."""

from collections.abc import Sequence
from typing import Any

from channels.layers.redis.layer import RedisChannelLayer
from channels.layers.redis.transport.addresses import read_hosts
from channels.layers.redis.transport.cluster import ClusterHost, ClusterMap, partition_tags
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
        cluster = ClusterMap(read_hosts(hosts), connection_kwargs)
        return [
            ClusterHost(cluster, tag, connection_kwargs, has_others=self._partitions > 1)
            for tag in partition_tags(self._partitions)
        ]
