"""Channel and Group outside of consumers."""

import asyncio

import pytest

from channels import Channel, Group
from channels.asgi import ChannelLayerManager, ChannelLayerWrapper
from channels.exceptions import ChannelFull, InvalidChannelLayerError, InvalidName
from channels.layers.memory import MemoryChannelLayer
from channels.message import pending_message_store


def test_a_message_is_sent_at_once_outside_of_a_consumer(layer):
    Channel("work").send({"n": 1})
    assert layer.receive(["work"]) == ("work", {"n": 1})


def test_a_full_channel_is_told_of_outside_of_a_consumer():
    layer = MemoryChannelLayer(capacity=1)
    Channel("work", channel_layer=layer).send({})
    with pytest.raises(ChannelFull, match="channel 'work' is full"):
        Channel("work", channel_layer=layer).send({})


@pytest.mark.parametrize("kind", [Channel, Group])
@pytest.mark.parametrize("content", ["text", None, [1], 3])
def test_only_dicts_can_be_sent(layer, kind, content):
    # Channels 1.x raised TypeError here and ValueError there.
    for error in (TypeError, ValueError):
        with pytest.raises(error, match="a message must be a dict"):
            kind("work").send(content)


@pytest.mark.parametrize("kind", [Channel, Group])
def test_a_malformed_name_is_refused_where_it_is_used(layer, kind):
    with pytest.raises(InvalidName, match="no spaces"):
        kind("no spaces").send({})


def test_names_may_be_bytes(layer):
    Channel(b"work").send({})
    assert str(Channel(b"work")) == "work"
    assert layer.receive(["work"])[0] == "work"


def test_members_of_a_group_can_be_listed_and_counted(layer):
    group = Group("room")
    assert len(group) == 0
    assert group  # an empty group is a group
    group.add(Channel("a"))
    group.add("b")
    assert sorted(group.channels()) == ["a", "b"]
    assert len(group) == 2
    group.discard(Channel("a"))
    assert group.channels() == ["b"]


def test_a_channel_leaves_all_of_its_groups(layer):
    for name in ("one", "two"):
        Group(name).add("member")
    assert sorted(Channel("member").leave_groups()) == ["one", "two"]
    assert len(Group("one")) == len(Group("two")) == 0


def test_a_delayed_message_comes_when_it_is_due():
    now = [1000.0]
    layer = MemoryChannelLayer(clock=lambda: now[0])
    Channel("later", channel_layer=layer).send({"n": 1}, delay_s=5)
    assert layer.receive(["later"]) == (None, None)
    now[0] += 5.1
    assert layer.receive(["later"]) == ("later", {"n": 1})


def test_coroutines_do_what_the_plain_verbs_do(layer):
    async def main():
        await Group("room").aadd("a")
        assert await Group("room").achannels() == ["a"]
        await Group("room").asend({"n": 1})
        await Group("room").adiscard("a")
        await Group("room").asend({"n": 2})
        await Channel("a").asend({"n": 3})

    asyncio.run(main())
    assert [layer.receive(["a"])[1] for _ in range(3)] == [{"n": 1}, {"n": 3}, None]


def test_coroutines_wait_for_the_consumer_to_end_too(layer):
    async def main():
        await Channel("a").asend({"n": 1})
        await Channel("a").asend({"n": 2}, immediately=True)

    pending_message_store.prepare()
    try:
        asyncio.run(main())
        assert layer.receive(["a"]) == ("a", {"n": 2})
    finally:
        pending_message_store.send_and_flush()
    assert layer.receive(["a"]) == ("a", {"n": 1})


def test_channels_and_groups_are_compared_by_kind_and_name(layer):
    assert Channel("a") == Channel("a") != Channel("b")
    assert Channel("a") != Group("a")
    assert len({Channel("a"), Channel("a"), Group("a")}) == 2


def test_middleware_is_imported_from_its_path():
    wrapper = ChannelLayerWrapper(MemoryChannelLayer(), "default", [], ["functools.lru_cache"])
    assert [middleware.__name__ for middleware in wrapper.middleware] == ["lru_cache"]


@pytest.mark.parametrize("path", ["nowhere.at_all", "math.pi", "plain"])
def test_middleware_that_can_not_be_used_is_named(path):
    wrapper = ChannelLayerWrapper(MemoryChannelLayer(), "default", [], [path])
    with pytest.raises(InvalidChannelLayerError, match=path):
        _ = wrapper.middleware


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "no channel layer 'default' in CHANNEL_LAYERS"),
        ({"default": {"ROUTING": []}}, "has no BACKEND"),
        ({"default": {"BACKEND": "not.there", "ROUTING": []}}, "can't import BACKEND 'not.there'"),
        (
            {
                "default": {
                    "BACKEND": "asgiref.inmemory.ChannelLayer",
                    "ROUTING": [],
                    "CONFIG": {"speed": 3},
                }
            },
            "does not take this CONFIG",
        ),
    ],
)
def test_a_layer_that_can_not_be_made_says_why(settings_with, config, told):
    with settings_with(CHANNEL_LAYERS=config), pytest.raises(InvalidChannelLayerError, match=told):
        ChannelLayerManager()["default"]


@pytest.fixture
def settings_with():
    from django.test import override_settings

    return override_settings


@pytest.mark.parametrize(
    "name",
    [
        "asgi_redis.RedisChannelLayer",
        "asgi_redis.RedisLocalChannelLayer",
        "asgiref.inmemory.ChannelLayer",
    ],
)
def test_layers_are_found_under_their_old_names(settings_with, name):
    with settings_with(CHANNEL_LAYERS={"default": {"BACKEND": name, "ROUTING": []}}):
        layer = ChannelLayerManager()["default"]
    assert type(layer.channel_layer).__module__.startswith("channels.layers.")
