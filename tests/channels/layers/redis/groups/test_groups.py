"""What groups leave behind in Redis."""

import threading

import pytest

from channels.layers.redis import RedisChannelLayer


@pytest.fixture(params=[1, 2], ids=["one host", "two hosts"])
def hosts(request, redis_server, second_redis_server):
    return [redis_server.url, second_redis_server.url][: request.param]


@pytest.fixture
def layer(hosts):
    layer = RedisChannelLayer(hosts=hosts)
    yield layer
    layer.close()


@pytest.fixture
def count_keys(redis_server, second_redis_server):
    def count_keys():
        with redis_server.client() as one, second_redis_server.client() as other:
            return one.dbsize() + other.dbsize()

    return count_keys


def test_a_group_that_everybody_has_left_is_gone(layer, count_keys):
    for number in range(20):
        layer.group_add(f"room-{number}", "proc!1")
        layer.group_add(f"room-{number}", "proc!2")
        layer.group_discard(f"room-{number}", "proc!1")
        layer.group_discard(f"room-{number}", "proc!2")
    assert count_keys() == 0


def test_a_channel_that_leaves_all_its_groups_leaves_no_group_behind(layer, count_keys):
    for number in range(20):
        layer.group_add(f"room-{number}", "proc!1")
    assert len(layer.group_discard_all("proc!1")) == 20
    assert count_keys() == 0


def test_a_socket_that_joins_too_late_leaves_no_group_behind(layer, count_keys):
    layer._sync.run(layer.presence.beat("abc", {}, 1, 0))
    before = count_keys()
    layer.group_add("room", "websocket.send.abc!1")
    assert layer.group_channels("room") == []
    assert count_keys() == before


def test_a_group_is_kept_for_those_who_stay(layer):
    layer.group_add("room", "one")
    layer.group_add("room", "two!a")
    layer.group_add("room", "two!b")
    layer.group_discard("room", "two!a")
    assert sorted(layer.group_channels("room")) == ["one", "two!b"]
    layer.group_discard("room", "two!b")
    assert layer.group_channels("room") == ["one"]


def test_nobody_is_lost_who_joins_while_others_leave(layer):
    """Each round one member leaves, and is the last one, while another one joins."""

    def come_and_go(client):
        for _ in range(200):
            layer.group_add("room", f"proc!{client}")
            if f"proc!{client}" not in layer.group_channels("room"):
                lost.append(client)
            layer.group_discard("room", f"proc!{client}")

    lost = []
    threads = [threading.Thread(target=come_and_go, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []


@pytest.fixture
def two_hosts(redis_server, second_redis_server):
    """A layer over two hosts, and these."""
    servers = [redis_server, second_redis_server]
    layer = RedisChannelLayer(hosts=[server.url for server in servers])
    yield layer, servers
    layer.close()


def _channels_by_host(layer):
    """A client's channel on each host."""
    names = [f"reader-{number}!a" for number in range(99)]
    return [next(n for n in names if layer.keyspace.queue(n).host == host) for host in (0, 1)]


@pytest.mark.parametrize("dead", [0, 1])
def test_a_group_outlives_either_of_two_hosts(two_hosts, dead, caplog):
    layer, servers = two_hosts
    channels = _channels_by_host(layer)
    layer.group_add("room", channels[0])
    layer.group_add("room", channels[1])
    servers[dead].stop()
    for text in ("one", "two"):
        layer.send_group("room", {"text": text})
    alive = channels[1 - dead]
    assert layer.group_channels("room") == [alive]
    assert [layer.receive([alive[:-1]])[1]["text"] for _ in range(2)] == ["one", "two"]
    told = [record for record in caplog.messages if "was dropped for its members" in record]
    assert len(told) == 1
    assert f"members on {channels[dead][:-1]}" in told[0]

    newcomer = f"{alive[:-1]}b"
    layer.group_add("room", newcomer)
    layer.group_discard("room", alive)
    assert layer.group_channels("room") == [newcomer]


@pytest.mark.parametrize("emptied", [0, 1])
def test_a_host_that_came_back_empty_is_told_of_a_group_again(two_hosts, emptied):
    layer, servers = two_hosts
    channel = _channels_by_host(layer)[1 - emptied]
    layer.group_add("room", channel)
    with servers[emptied].client() as client:
        client.flushall()
        layer.send_group("room", {})
        assert client.zrange(layer.keyspace.group("room"), 0, -1) == [channel[:-1].encode()]
    with servers[1 - emptied].client() as client:
        client.delete(layer.keyspace.group("room"))
    layer.send_group("room", {})
    assert [layer.receive([channel[:-1]])[0] for _ in range(2)] == [channel, channel]


def test_a_group_that_emptied_while_a_host_was_away_is_forgotten_there_too(two_hosts, monkeypatch):
    layer, servers = two_hosts
    monkeypatch.setattr("channels.layers.redis.groups.membership.PRUNE_AGE_MS", -1)
    channel = _channels_by_host(layer)[0]
    layer.group_add("room", channel)
    with servers[1].client() as client:
        key = layer.keyspace.group("room")
        kept = client.dump(key)
        layer.group_discard("room", channel)
        assert not client.exists(key)
        client.restore(key, 0, kept)  # as if it had been away meanwhile
        layer.send_group("room", {})
        assert not client.exists(key)
    assert layer.group_channels("room") == []
