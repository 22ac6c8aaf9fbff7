"""Slots that move, masters that die, nodes that come and go, and settings that are wrong."""

import contextlib
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from channels.exceptions import LayerRefused, LayerUnavailable
from channels.layers.redis import RedisChannelLayer, RedisClusterChannelLayer
from channels.layers.redis.queues import scripts
from channels.layers.redis.transport.cluster import SLOTS, partition_tags, slot_of
from tests.processes import RedisCluster, RedisServer, wait_until
from tests.processes.redis_cluster import Node


@pytest.fixture
def make_layer(cluster: RedisCluster) -> Iterator[Callable[..., RedisClusterChannelLayer]]:
    layers: list[RedisClusterChannelLayer] = []

    def make(**config: Any) -> RedisClusterChannelLayer:
        config = {"hosts": cluster.hosts[:2], "prefix": "trouble:", "capacity": 10_000, **config}
        layers.append(RedisClusterChannelLayer(**config))
        return layers[-1]

    yield make
    for layer in layers:
        layer.close()


@contextlib.contextmanager
def moving(cluster: RedisCluster, slot: int, source: Node) -> Iterator[None]:
    """A slot is on its way from `source` to another node, as long as this is open."""
    target = cluster.others_of(source)[0]
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    yield
    for node in (source, target):
        node.ask("CLUSTER", "SETSLOT", slot, "STABLE")


def make_envelope(expires_ms: float) -> bytes:
    """A message, as it lies in a queue."""
    return struct.pack(">BBd", 1, 0, expires_ms) + b"text"


class Traffic:
    """A thread that sends numbers to a channel, and one that receives them, as fast as they can."""

    def __init__(self, layer: RedisClusterChannelLayer) -> None:
        self._layer = layer
        self.sent: list[int] = []
        #: Numbers of which it is not known whether they were sent.
        self.feared: set[int] = set()
        self.received: list[int] = []
        self.longest_gap_s = 0.0
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=run) for run in (self._send, self._receive)]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        number, last = 0, time.monotonic()
        while not self._is_over.is_set():
            try:
                self._layer.send(f"traffic-{number % 5}", {"n": number})
                self.sent.append(number)
                now = time.monotonic()
                self.longest_gap_s = max(self.longest_gap_s, now - last)
                last = now
            except LayerUnavailable as error:
                if error.was_sent:
                    self.feared.add(number)
                time.sleep(0.01)
            except self._layer.ChannelFull:
                time.sleep(0.01)
            number += 1

    def _receive(self) -> None:
        reader = self._layer.open_reader([f"traffic-{n}" for n in range(5)])
        quiet_since = time.monotonic()
        while not self._is_over.is_set() or time.monotonic() - quiet_since < 1.0:
            with contextlib.suppress(LayerUnavailable):
                _, delivery = reader.take(block_s=0.1)
                if delivery is not None:
                    self.received.append(delivery.content["n"])
                    quiet_since = time.monotonic()
        reader.close()

    @property
    def lost(self) -> set[int]:
        """What was sent for certain, and was not received."""
        return set(self.sent) - set(self.received)


def test_status_shows_every_node_and_which_has_what(
    cluster: RedisCluster, make_layer: Callable[..., RedisClusterChannelLayer]
) -> None:
    layer = make_layer(partitions=4)
    everybody = {f"127.0.0.1:{node.port}" for node in cluster.nodes}

    def find_all() -> list[dict[str, Any]]:  # who replicates whom comes round by hearsay
        nodes: list[dict[str, Any]] = layer.status()["nodes"]
        return nodes if {node["address"] for node in nodes} == everybody else []

    nodes = wait_until(find_all, what="all nodes are shown")
    masters = [node for node in nodes if node["role"] == "master"]
    assert sum(node["slots"] for node in masters) == SLOTS
    assert sum(node["partitions"] for node in masters) == 4
    replicas = [node for node in nodes if node not in masters]
    assert {node["role"] for node in replicas} == {
        f"replica of {node['address']}" for node in masters
    }


# -- where keys lie --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 64])
def test_partitions_lie_evenly_over_the_slots(count: int) -> None:
    slots = [slot_of(tag) for tag in partition_tags(count)]
    assert [slot * count // SLOTS for slot in slots] == [*range(count)]


def test_the_slot_of_a_tag_is_that_of_redis(cluster: RedisCluster) -> None:
    for tag in ("foo", "0.0", "ü"):
        assert cluster.masters[0].ask("CLUSTER", "KEYSLOT", tag) == slot_of(tag)


def test_each_master_has_its_part_of_the_channels(
    cluster: RedisCluster, make_layer: Callable[..., RedisClusterChannelLayer]
) -> None:
    layer = make_layer()
    for n in range(60):
        layer.send(f"spread-{n}", {})
    for node in cluster.masters:
        assert int(str(node.ask("DBSIZE"))) > 10


# -- slots that move -------------------------------------------------------------------------------


def test_every_slot_may_move_while_it_is_used(
    cluster: RedisCluster, make_layer: Callable[..., RedisClusterChannelLayer]
) -> None:
    layer = make_layer()
    with Traffic(layer) as traffic:
        time.sleep(0.3)
        for _ in range(2):
            for tag in partition_tags(3):
                source = cluster.master_of(slot_of(tag))
                cluster.move_slot(slot_of(tag), source, cluster.others_of(source)[0])
                time.sleep(0.2)
        count = len(traffic.received)
        wait_until(lambda: len(traffic.received) > count + 20, what="messages come again")
    assert traffic.lost == set()
    assert len(set(traffic.received)) == len(traffic.received)
    assert traffic.longest_gap_s < 5


@pytest.mark.parametrize("name", ["websocket.send.me!", "work"])
def test_what_is_taken_from_a_slot_that_moves_is_not_lost(
    cluster: RedisCluster, make_layer: Callable[..., RedisClusterChannelLayer], name: str
) -> None:
    """Redis refuses a key that a script has emptied while its slot moves."""
    layer = make_layer(partitions=1)
    messages = [make_envelope(expires_ms) for expires_ms in (0.0, 1e15, 1e15)]
    queue = layer.keyspace.queue(name).queue
    tag, slot = partition_tags(1)[0], slot_of(partition_tags(1)[0])
    source = cluster.master_of(slot)
    key = f"{{{tag}}}{queue}"
    source.ask("RPUSH", key, *messages[:2] if name == "work" else messages)
    with moving(cluster, slot, source):
        if name == "work":
            taken = source.ask("EVAL", scripts.RECEIVE.text, 1, key)
            assert taken == [1, messages[1], 1, 1]
        else:
            taken = source.ask("EVAL", scripts.DRAIN.text, 1, key, 100, 10_000)
            assert taken == [1, *messages[1:]]


def test_what_has_expired_in_a_slot_that_moves_is_no_error(
    cluster: RedisCluster,
) -> None:
    tag, slot = partition_tags(1)[0], slot_of(partition_tags(1)[0])
    source, key = cluster.master_of(slot), f"{{{tag}}}queue"
    source.ask("RPUSH", key, make_envelope(0.0))
    with moving(cluster, slot, source):
        assert source.ask("EVAL", scripts.RECEIVE.text, 1, key) == [0, b"", 1, 1]


# -- masters that die ------------------------------------------------------------------------------


def test_a_master_that_is_killed_is_replaced_by_its_replica(
    cluster: RedisCluster, make_layer: Callable[..., RedisClusterChannelLayer]
) -> None:
    layer = make_layer()
    slot = slot_of(partition_tags(3)[0])
    with Traffic(layer) as traffic:
        time.sleep(0.5)
        master = cluster.master_of(slot)
        master.kill()
        wait_until(lambda: cluster.master_of(slot) is not master, limit_s=20, what="a new master")
        count = len(traffic.sent)
        wait_until(lambda: len(traffic.sent) > count + 100, limit_s=20, what="sends go on")
    # What the master had not told its replica yet is gone with it.
    assert len(traffic.lost) <= 100
    assert len(set(traffic.received)) == len(traffic.received)
    for n in range(30):
        layer.send(f"after-{n}", {"n": n})
        assert layer.open_reader([f"after-{n}"]).take(block_s=5)[1] is not None


# -- settings that are wrong -----------------------------------------------------------------------


def test_a_cluster_that_is_named_to_the_single_layer_says_so(cluster: RedisCluster) -> None:
    layer = RedisChannelLayer(hosts=cluster.hosts[:1])
    with pytest.raises(LayerUnavailable, match="name .*RedisClusterChannelLayer in CHANNEL_LAYERS"):
        layer.send("work", {})
    layer.close()


def test_a_single_redis_that_is_named_to_the_cluster_layer_says_so(
    redis_server: RedisServer,
) -> None:
    layer = RedisClusterChannelLayer(hosts=[("127.0.0.1", redis_server.port)])
    with pytest.raises(LayerUnavailable, match=r"no node of a cluster: name .*RedisChannelLayer"):
        layer.send("work", {})
    layer.close()


def test_a_slot_that_nobody_serves_is_named(
    cluster: RedisCluster, make_layer: Callable[..., RedisClusterChannelLayer]
) -> None:
    slot = slot_of(partition_tags(1)[0])
    for node in cluster.masters:
        node.ask("CLUSTER", "DELSLOTS", slot)
    layer = make_layer(partitions=1)
    try:
        # A node that has not heard of it yet leads to the one that had the slot.
        told = f"no node of the cluster serves slot {slot}|CLUSTERDOWN Hash slot not served"
        with pytest.raises(LayerUnavailable, match=told):
            layer.send("work", {})
    finally:
        cluster.masters[0].ask("CLUSTER", "ADDSLOTS", slot)
        cluster.wait_until_well()
    wait_until(lambda: _sends(layer), limit_s=10, what="it is served again")


def _sends(layer: RedisClusterChannelLayer) -> bool:
    with contextlib.suppress(LayerUnavailable):
        layer.send("work", {})
        return True
    return False


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"partitions": 0}, "partitions must be a number from 1 to 64, got 0"),
        ({"partitions": "3"}, "partitions must be a number from 1 to 64"),
        ({"hosts": ["redis://localhost:6379/2"]}, "a cluster has database 0 only"),
        ({"hosts": [{"address": ("localhost", 6379), "db": 2}]}, "a cluster has database 0 only"),
        ({"hosts": ["unix:///tmp/redis.sock"]}, "redis:// or rediss:// URLs"),
        ({"hosts": "localhost"}, "hosts must be a list"),
    ],
)
def test_what_a_cluster_can_not_be_is_refused(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        RedisClusterChannelLayer(**config)


def test_a_refusal_of_hosts_shows_no_secret() -> None:
    with pytest.raises(ValueError, match="redis://localhost:6379/2") as told:
        RedisClusterChannelLayer(hosts=["redis://site:secret@localhost:6379/2"])
    assert "secret" not in str(told.value)


def test_a_wrong_password_says_so(cluster: RedisCluster) -> None:
    layer = RedisClusterChannelLayer(
        hosts=[f"redis://somebody:wrong@127.0.0.1:{node.port}" for node in cluster.masters]
    )
    with pytest.raises(LayerRefused, match="WRONGPASS|invalid username-password"):
        layer.send("work", {})
    layer.close()


@pytest.mark.parametrize("form", ["URL", "dict"])
def test_a_user_of_the_cluster_is_logged_in(cluster: RedisCluster, form: str) -> None:
    port = cluster.masters[1].port
    host: Any = f"redis://site:secret@127.0.0.1:{port}?protocol=3"
    if form == "dict":
        host = {"address": ("127.0.0.1", port), "username": "site", "password": "secret"}
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "site", "on", ">secret", "~*", "+@all")
    layer = RedisClusterChannelLayer(hosts=[host], prefix="user:")
    layer.send("work", {"n": 1})
    assert layer.open_reader(["work"]).take(block_s=5)[1] is not None
    layer.close()
    for node in cluster.nodes:
        with contextlib.suppress(redis.RedisError):
            node.ask("ACL", "DELUSER", "site")
