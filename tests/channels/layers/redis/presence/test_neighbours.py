"""Two projects, or two versions of what is kept in Redis, do not share a prefix."""

import asyncio

import msgpack
import pytest

from channels.exceptions import LayerUnavailable, PrefixTaken
from channels.layers.redis.layer import RedisChannelLayer
from channels.layers.redis.presence import heartbeat, registry
from channels.layers.sealing import Seal
from channels.startup import identity


def live(layer, worker_id="worker-1"):
    layer.keep_house(worker_id, identity.describe_process(), {"work"})


@pytest.fixture
def be(monkeypatch):
    """Be a process of a project with these keys."""

    def be(*keys):
        marks = [identity._mark(key) for key in keys]
        for module in (identity, heartbeat):
            monkeypatch.setattr(module, "project_marks", lambda: marks, raising=False)
        monkeypatch.setattr("channels.layers.redis.layer.project_marks", lambda: marks)

    return be


def test_processes_of_one_project_share_a_prefix(layer, be):
    be("key")
    live(layer)
    layer.check_neighbours()


def test_another_project_is_refused_and_told_what_to_change(layer, be):
    be("one")
    live(layer)
    be("two")
    with pytest.raises(PrefixTaken) as refusal:
        layer.check_neighbours()
    for part in (
        repr(layer.prefix),
        "worker worker-1",
        "another SECRET_KEY",
        "`prefix`",
        "CHANNEL_LAYERS",
    ):
        assert part in str(refusal.value)


def test_another_prefix_is_free(layer, be, redis_server):
    be("one")
    live(layer)
    be("two")
    other = RedisChannelLayer(hosts=[redis_server.url], prefix="other:")
    other.check_neighbours()
    other.close()


def test_a_project_may_change_its_key(layer, be):
    be("old")
    live(layer)
    be("new", "old")
    layer.check_neighbours()


def test_a_project_that_is_not_known_is_let_in_and_lets_in(layer, be):
    be()
    live(layer)
    be("key")
    layer.check_neighbours()
    live(layer, "worker-2")
    be()
    layer.check_neighbours()


def test_a_prefix_is_free_once_the_others_have_left(layer, be):
    be("one")
    live(layer)
    layer.leave_house("worker-1")
    be("two")
    layer.check_neighbours()


def test_a_prefix_is_free_once_the_others_are_dead(layer, be, redis_server):
    be("one")
    live(layer)
    with redis_server.client() as client:
        client.zadd(layer.keyspace.registry("workers"), {"worker-1": 1})
    be("two")
    layer.check_neighbours()


def test_another_version_of_the_protocol_is_refused(layer, be, monkeypatch):
    be("key")
    live(layer)
    monkeypatch.setattr(registry, "PROTOCOL", 2)
    with pytest.raises(PrefixTaken, match="speaks version 1 .* this one speaks version 2"):
        layer.check_neighbours()


@pytest.mark.parametrize(
    ("theirs", "ours", "why"),
    [
        (["a"], ["b"], "encrypts with key {a}, which is not among"),
        (["old"], ["new", "old"], "can't read key {new}, with which this one encrypts"),
        (["new", "old"], ["old"], "encrypts with key {new}, which is not among"),
        (["a"], [], "has symmetric_encryption_keys ({a}), and this one has none"),
        ([], ["a"], "has no symmetric_encryption_keys, and this one has"),
    ],
)
def test_who_could_not_read_the_others_or_be_read_is_refused(make_layer, be, theirs, ours, why):
    pytest.importorskip("cryptography")
    prints = {key: Seal([key]).fingerprints[0] for key in ("a", "b", "old", "new")}
    be("key")
    live(make_layer(symmetric_encryption_keys=theirs))
    with pytest.raises(PrefixTaken) as refusal:
        make_layer(symmetric_encryption_keys=ours).check_neighbours()
    assert why.format(**prints) in str(refusal.value)


ROTATION = [(["old"], ["old", "new"]), (["old", "new"], ["new", "old"]), (["new", "old"], ["new"])]


@pytest.mark.parametrize("steps", ROTATION)
def test_each_step_of_a_rotation_lets_old_and_new_processes_live_together(make_layer, be, steps):
    pytest.importorskip("cryptography")
    be("key")
    before, after = (make_layer(symmetric_encryption_keys=keys) for keys in steps)
    live(before, "before")
    after.check_neighbours()
    live(after, "after")
    before.check_neighbours()
    workers = {worker["id"]: worker["keys"] for worker in after.status()["workers"]}
    assert {name: len(keys) for name, keys in workers.items()} == {
        "before": len(steps[0]),
        "after": len(steps[1]),
    }
    for sender, reader in ((before, after), (after, before)):
        sender.send("job", {"n": 1})
        assert reader.receive(["job"]) == ("job", {"n": 1})


JUNK = {
    "no facts": None,
    "no MessagePack": b"\xc1\xff",
    "no dict": b"\x01",
    "an empty dict": b"\x80",
    "a text as protocol": msgpack.packb({"protocol": "1"}),
    "a number as project": msgpack.packb({"protocol": 1, "project": 5}),
    "no keys": msgpack.packb({"facts": b"x"}),
    "numbers as keys": msgpack.packb({"facts": b"x", "keys": [1]}),
}


@pytest.mark.parametrize("record", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("name", ["worker-9", b"\xff\xfe", "no name\n", ""])
def test_junk_in_the_registry_is_told_removed_and_not_obeyed(
    layer, be, redis_server, caplog, record, name
):
    be("key")
    live(layer)
    key = layer.keyspace.registry("workers")
    with redis_server.client() as client:
        client.zadd(key, {name: int(client.time()[0]) * 1000})
        if record is not None:
            client.hset(f"{key}:facts", name, record)
        layer.check_neighbours()
        assert [worker["id"] for worker in layer.status()["workers"]] == ["worker-1"]
        assert client.zcard(key) == 1
    assert "was removed from the registry of workers" in caplog.text


def test_an_entry_from_the_future_is_removed(layer, be, redis_server):
    be("key")
    key = layer.keyspace.registry("workers")
    with redis_server.client() as client:
        client.zadd(key, {"worker-9": 10**15})
        live(layer)
        assert client.zrange(key, 0, -1) == [b"worker-1"]


def test_junk_among_dead_servers_is_removed(layer, be, redis_server):
    be("key")
    key = layer.keyspace.registry("servers")
    with redis_server.client() as client:
        client.zadd(key, {b"\xff": 1})
        live(layer)
        assert client.zcard(key) == 0


def test_an_interface_server_serves_nobody_until_the_prefix_is_free(layer, be, monkeypatch, caplog):
    monkeypatch.setattr(heartbeat, "BEAT_EVERY_S", 0.02)
    be("one")
    live(layer)
    be("two")

    async def wait_until(condition):
        for _ in range(500):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("waited in vain")

    async def serve():
        link = layer.open_link("server", lambda *reply: None, lambda: None)
        await link.start()
        await wait_until(lambda: link.refusal is not None)
        assert not link.is_available
        with pytest.raises(LayerUnavailable, match="another SECRET_KEY"):
            await link.send("http.request", {})
        assert not layer.is_read("http.response.server!a")  # it is not registered
        await asyncio.to_thread(layer.leave_house, "worker-1")
        await wait_until(lambda: link.is_available)
        await link.send("http.request", {})
        await link.stop()

    asyncio.run(serve())
    assert caplog.text.count("another SECRET_KEY") == 1


def test_a_server_lives_while_the_host_of_the_registry_is_away(
    redis_server, second_redis_server, monkeypatch
):
    monkeypatch.setattr(heartbeat, "BEAT_EVERY_S", 0.02)
    servers = [redis_server, second_redis_server]
    layer = RedisChannelLayer(hosts=[server.url for server in servers], prefix="two:")
    layer.flush()
    host_of = layer.keyspace.host_of
    server_id = next(f"s{n}" for n in range(99) if host_of(f"s{n}") != layer.registry.host)
    servers[layer.registry.host].stop()

    async def serve():
        link = layer.open_link(server_id, lambda *reply: None, lambda: None)
        await link.start()
        for _ in range(500):
            if layer.is_read(f"http.response.{server_id}!a"):
                break
            await asyncio.sleep(0.01)
        assert layer.is_read(f"http.response.{server_id}!a")
        await link.stop()

    asyncio.run(serve())
    layer.close()
