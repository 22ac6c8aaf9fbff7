"""A Redis Cluster of one's own: masters and their replicas, on free ports of 127.0.0.1."""

import contextlib
from collections.abc import Iterator

import redis

from tests.processes.base import free_port, wait_until
from tests.processes.redis_server import RedisServer

SLOTS = 16_384
#: Milliseconds after which a node that is silent is replaced by its replica.
NODE_TIMEOUT_MS = 2_000


class Node(RedisServer):
    """One node; its `port` answers clients."""

    def __init__(self, options: dict[str, str]) -> None:
        self.bus_port = free_port()
        super().__init__(
            {
                **options,
                "cluster-enabled": "yes",
                "cluster-config-file": "nodes.conf",
                "cluster-node-timeout": str(NODE_TIMEOUT_MS),
                "cluster-port": str(self.bus_port),
                # A replica is as good as its master at once: nothing here is larger than a page.
                "repl-diskless-sync-delay": "0",
            }
        )

    def ask(self, *command: object) -> object:
        """Run one command there."""
        with self.client() as client:
            return client.execute_command(*command)

    @property
    def id(self) -> str:
        with self.client() as client:
            return str(client.cluster("MYID").decode())

    @property
    def is_master(self) -> bool:
        with self.client() as client:
            return str(client.info("replication")["role"]) == "master"

    def knows(self, count: int) -> bool:
        """Whether it is in a cluster of `count` nodes that serves every slot."""
        with self.client() as client:
            info = client.execute_command("CLUSTER INFO")
        facts = info if isinstance(info, dict) else dict(_pairs(info.decode()))
        return facts["cluster_state"] == "ok" and int(facts["cluster_known_nodes"]) == count


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split():
        key, _, value = line.partition(":")
        yield key, value


class RedisCluster:
    """Masters, each with one replica, or with none. `with` starts and ends it. `options`: as for
    RedisServer."""

    #: The Redis that lets each node choose its second port.
    NEEDS = (7, 0)

    def __init__(
        self,
        masters: int = 3,
        *,
        with_replicas: bool = True,
        options: dict[str, str] | None = None,
    ) -> None:
        count = 2 * masters if with_replicas else masters
        self.nodes = [Node(options or {}) for _ in range(count)]
        self._first_masters, self._first_replicas = self.nodes[:masters], self.nodes[masters:]

    @property
    def masters(self) -> list[Node]:
        """The nodes that run and are masters just now."""
        return [node for node in self.nodes if node.is_running and node.is_master]

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """The `hosts` of a layer."""
        return [("127.0.0.1", node.port) for node in self.nodes]

    @property
    def url(self) -> str:
        """The URL of one node."""
        return f"redis://127.0.0.1:{self.nodes[0].port}/0"

    @property
    def pids(self) -> list[int]:
        """The ids of its processes."""
        return [pid for node in self.nodes for pid in node.pids]

    def __enter__(self) -> "RedisCluster":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        for node in self.nodes:
            node.start()
        first, masters = self.nodes[0], self._first_masters
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        for number, node in enumerate(masters):
            share = range(number * SLOTS // len(masters), (number + 1) * SLOTS // len(masters))
            node.ask("CLUSTER", "ADDSLOTSRANGE", share[0], share[-1])
        self.wait_until_well()
        for replica, master in zip(self._first_replicas, masters, strict=False):
            replica.ask("CLUSTER", "REPLICATE", master.id)
        wait_until(self._are_replicas_there, limit_s=20, what="the replicas follow")

    def wait_until_well(self) -> None:
        """Wait until every node that runs says that every slot is served."""
        running = [node for node in self.nodes if node.is_running]
        wait_until(
            lambda: all(node.knows(len(self.nodes)) for node in running),
            limit_s=20,
            what="the cluster is well",
        )

    def _are_replicas_there(self) -> bool:
        for replica in self._first_replicas:
            with replica.client() as client:
                info = client.info("replication")
            if info["role"] != "slave" or info["master_link_status"] != "up":
                return False
        return True

    def move_slot(self, slot: int, source: Node, target: Node) -> None:
        """Move a slot and its keys from one master to another, while it is used."""
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
            assert isinstance(keys, list)
            source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "REPLACE", "KEYS", *keys)
        for node in [target, *self.others_of(target)]:
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def master_of(self, slot: int) -> Node:
        """The node that has a slot."""
        running = next(node for node in self.nodes if node.is_running)
        ranges = running.ask("CLUSTER", "SLOTS")
        assert isinstance(ranges, list)
        port = next(master[1] for first, last, master, *_ in ranges if first <= slot <= last)
        return next(node for node in self.nodes if node.port == port)

    def others_of(self, master: Node) -> list[Node]:
        """The other nodes that are masters just now."""
        return [node for node in self.masters if node is not master]

    def heal(self) -> None:
        """Be what a new one is: all nodes run, with no keys."""
        for node in self.nodes:
            if not node.is_running:
                node.start()
        self.wait_until_well()
        for node in self.nodes:
            with contextlib.suppress(redis.exceptions.ReadOnlyError):
                node.ask("FLUSHALL")

    def __exit__(self, *exc_info: object) -> None:
        for node in self.nodes:
            node.__exit__(None, None, None)
