"""The masters of a Redis (or Valkey) Cluster.

To the rest of the layer a cluster is a number of hosts. Each is a partition: one hash slot, on
whichever master has that slot just now. `{tag}` in front of every key of a partition puts them all
into its slot, so each script and each pipeline finds all of its keys in one place; it is put there,
and taken off again, where commands are written and replies are read.

The cluster is asked for the master of a slot at each connection. One that answers MOVED is left for
the one that has the slot by then.
"""

import binascii
import dataclasses
import random
from collections.abc import Sequence
from typing import Any

import redis
import redis.asyncio
import redis.connection

from channels.layers.redis.transport.addresses import Address, HostAndPort, name_of
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.sentinel import finding_connection
from channels.layers.redis.transport.wire import Command

#: How many hash slots a cluster has, in all.
SLOTS = 16_384
#: Seconds to wait for one node's answer to the question who has a slot.
ASK_TIMEOUT_S = 0.5
#: Commands without a key.
KEYLESS = frozenset({"SCRIPT", "HELLO", "CLIENT", "TIME"})
#: Commands of which all arguments are keys.
ALL_KEYS = frozenset({"DEL", "UNLINK", "EXISTS"})

#: What a URL says of one node only.
_OF_THE_PLACE = frozenset({"host", "port", "db", "connection_class"})


def slot_of(tag: str) -> int:
    """The hash slot of the keys with a hash tag (CRC-16, XMODEM; Redis Cluster specification)."""
    return binascii.crc_hqx(tag.encode(), 0) % SLOTS


def partition_tags(count: int) -> list[str]:
    """Return the hash tags of `count` partitions, whose slots lie evenly over all of them."""
    tags = []
    for number in range(count):
        first, last = number * SLOTS // count, (number + 1) * SLOTS // count
        candidates = (f"{number}.{salt}" for salt in range(100 * count))
        tags.append(next(tag for tag in candidates if first <= slot_of(tag) < last))
    return tags


@dataclasses.dataclass
class Node:
    """One node: a master with its ranges of slots, or the replica of one."""

    address: HostAndPort
    replica_of: HostAndPort | None = None
    ranges: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def has(self, slot: int) -> bool:
        return any(first <= slot <= last for first, last in self.ranges)


class ClusterMap:
    """Who has which slot: asked anew each time, of the nodes that are known, in any order.

    Args:
        hosts: where some nodes are; user, password, TLS and other options are those of the first.
        options: of redis-py's connections to nodes.
    """

    def __init__(self, hosts: Sequence[Address], options: dict[str, Any]) -> None:
        parsed = [
            redis.connection.parse_url(url)  # type: ignore[no-untyped-call]
            for url, _ in hosts
        ]
        if any("path" in each or int(each.get("db") or 0) for each in parsed):
            raise ValueError(
                "hosts of a cluster must be redis:// or rediss:// URLs, (host, port) pairs or "
                "dicts, and a cluster has database 0 only; got "
                + ", ".join(name_of(url) for url, _ in hosts)
            )
        self.is_secured = any("connection_class" in each for each in parsed)
        of_first = {key: value for key, value in parsed[0].items() if key not in _OF_THE_PLACE}
        self.options = {**options, **of_first, **hosts[0].options}
        self.options.pop("ssl", None)
        self._seeds = [(str(p.get("host", "localhost")), int(p.get("port", 6379))) for p in parsed]
        self._nodes = list(self._seeds)

    def base_of(self, library: Any) -> Any:
        """The class of redis-py's connections to nodes."""
        return library.SSLConnection if self.is_secured else library.Connection

    def _places_to_ask(self) -> list[HostAndPort]:
        nodes = list(dict.fromkeys([*self._nodes, *self._seeds]))
        return random.sample(nodes, len(nodes))

    def _asking_options(self) -> dict[str, Any]:
        timeouts = {"socket_timeout": ASK_TIMEOUT_S, "socket_connect_timeout": ASK_TIMEOUT_S}
        return {**self.options, **timeouts}

    def find(self, slot: int) -> HostAndPort:
        """Return the address of the master that has a slot. Raises redis.ConnectionError."""
        return self._read(slot, *self._ask(slot))

    def nodes(self) -> list[Node]:
        """Return the nodes, masters before their replicas. Raises redis.ConnectionError."""
        asked, ranges = self._ask(0)
        found: dict[HostAndPort, Node] = {}
        for first, last, master, *replicas in ranges:
            address = _address(master, asked)
            node = found.setdefault(address, Node(address))
            node.ranges.append((int(first), int(last)))
            for replica in replicas:
                place = _address(replica, asked)
                found.setdefault(place, Node(place, replica_of=address))
        return sorted(
            found.values(), key=lambda node: (node.replica_of or node.address, node.address)
        )

    def _ask(self, slot: int) -> tuple[HostAndPort, Any]:
        """Who was asked, and the answer to CLUSTER SLOTS; `slot` is what it is asked for."""
        troubles = []
        for address in self._places_to_ask():
            connection = self.base_of(redis)(
                host=address[0], port=address[1], **self._asking_options()
            )
            try:
                connection.connect()
                connection.send_command("CLUSTER", "SLOTS")
                return address, connection.read_response()
            except (redis.RedisError, OSError) as error:
                troubles.append(error)
            finally:
                connection.disconnect()
        raise _nobody_knows(slot, troubles)

    async def afind(self, slot: int) -> HostAndPort:
        """`find`, as a coroutine."""
        troubles = []
        for address in self._places_to_ask():
            connection = self.base_of(redis.asyncio)(
                host=address[0], port=address[1], **self._asking_options()
            )
            try:
                await connection.connect()
                await connection.send_command("CLUSTER", "SLOTS")
                return self._read(slot, address, await connection.read_response())
            except (redis.RedisError, OSError) as error:
                troubles.append(error)
            finally:
                await connection.disconnect(nowait=True)
        raise _nobody_knows(slot, troubles)

    def _read(self, slot: int, asked: HostAndPort, ranges: Any) -> HostAndPort:
        """The master of a slot in the answer to CLUSTER SLOTS: [first, last, master, replicas ...]
        for each range, nodes as [host, port, ...]."""
        found: HostAndPort | None = None
        nodes = []
        for first, last, *members in ranges:
            addresses = [_address(member, asked) for member in members]
            nodes += addresses
            if first <= slot <= last:
                found = addresses[0]
        if found is None:
            raise redis.ConnectionError(
                f"by {asked[0]}:{asked[1]}, no node of the cluster serves slot {slot}: see "
                "`redis-cli --cluster check`"
            )
        self._nodes = nodes
        return found


def _address(member: Any, asked: HostAndPort) -> HostAndPort:
    name = member[0].decode() if isinstance(member[0], bytes) else member[0]
    return (name if name and name != "?" else asked[0]), int(member[1])


def _nobody_knows(slot: int, troubles: Sequence[Exception]) -> redis.ConnectionError:
    text = str(troubles[-1]) if troubles else "no node is known"
    if "cluster support disabled" in text:
        text = (
            "it is no node of a cluster: name channels.layers.redis.RedisChannelLayer in "
            "CHANNEL_LAYERS for it"
        )
    is_refused = any(isinstance(one, redis.AuthenticationError) for one in troubles)
    kind = redis.AuthenticationError if is_refused else redis.ConnectionError
    return kind(f"nobody says who has slot {slot} ({text})")


class ClusterHost(Host):
    """One partition: the master that has its slot. `tag`: the hash tag of its keys."""

    is_of_cluster = has_successors = True

    def __init__(
        self, cluster: ClusterMap, tag: str, options: dict[str, Any], *, has_others: bool
    ) -> None:
        super().__init__(f"cluster://{tag}", options, has_others=has_others)
        self.slot = slot_of(tag)
        self.name = f"slot {self.slot} of the cluster"
        self.health.name = self.name
        self._mark, self._marked_bytes = f"{{{tag}}}", f"{{{tag}}}".encode()
        self._cluster = cluster

    def _make(self, library: Any, options: dict[str, Any]) -> Any:
        is_sync = library is redis
        base = self._cluster.base_of(library)
        options = {**options, **self._cluster.options}
        connection_class = finding_connection(base, is_sync)
        return connection_class(self._find if is_sync else self._afind, **options)

    def _find(self) -> HostAndPort:
        return self._cluster.find(self.slot)

    async def _afind(self) -> HostAndPort:
        return await self._cluster.afind(self.slot)

    # -- keys -----------------------------------------------------------------------------------

    def place(self, commands: Sequence[Command]) -> list[Command]:
        return [self._place(command) for command in commands]

    def _place(self, command: Command) -> Command:
        name = command[0]
        if name in KEYLESS:
            return command
        if name == "EVALSHA":
            first, last = 3, 3 + command[2]
        elif name == "BLPOP":
            first, last = 1, len(command) - 1
        elif name in ALL_KEYS:
            first, last = 1, len(command)
        elif name == "SCAN":
            first, last = 3, 4  # the pattern: ("SCAN", cursor, "MATCH", pattern, ...)
        else:
            first, last = 1, 2
        placed = (
            *command[:first],
            *(self._with_mark(key) for key in command[first:last]),
            *command[last:],
        )
        return type(command)(placed)

    def _with_mark(self, key: str | bytes) -> str | bytes:
        return self._marked_bytes + key if isinstance(key, bytes) else self._mark + key

    def read_keys(self, commands: Sequence[Command], replies: list[Any]) -> list[Any]:
        length = len(self._mark)
        for place, command in enumerate(commands):
            if command[0] == "SCAN" and isinstance(replies[place], list):
                cursor, keys = replies[place]
                replies[place] = [cursor, [key[length:] for key in keys]]
            elif command[0] == "BLPOP":
                replies[place] = self.read_popped(replies[place])
        return replies

    def read_popped(self, reply: Any) -> Any:
        return [reply[0][len(self._mark) :], reply[1]] if isinstance(reply, list) else reply
