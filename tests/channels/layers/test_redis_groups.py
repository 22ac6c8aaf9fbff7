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
        layer.group_add(f"room-{number}", "websocket.send.abc!1")
        layer.group_add(f"room-{number}", "websocket.send.abc!2")
        layer.group_discard(f"room-{number}", "websocket.send.abc!1")
        layer.group_discard(f"room-{number}", "websocket.send.abc!2")
    assert count_keys() == 0


def test_a_channel_that_leaves_all_its_groups_leaves_no_group_behind(layer, count_keys):
    for number in range(20):
        layer.group_add(f"room-{number}", "websocket.send.abc!1")
    assert len(layer.group_discard_all("websocket.send.abc!1")) == 20
    assert count_keys() == 0


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
