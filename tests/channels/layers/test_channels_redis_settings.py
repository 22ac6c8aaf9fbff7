"""Settings written for channels_redis lead to the layers here."""

import pytest

from channels.asgi import ChannelLayerManager, load_backend
from channels.exceptions import InvalidChannelLayerError
from channels.layers.redis.channels_redis import ChannelsRedisLayer
from channels.layers.redis.transport.sentinel import SentinelHost
from tests.channels.startup.test_checks import run_checks

CORE = "channels_redis.core.RedisChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"

both = pytest.mark.parametrize("backend", [CORE, PUBSUB])


@both
def test_the_names_of_channels_redis_lead_to_the_redis_layer(backend):
    assert load_backend(backend, "default") is ChannelsRedisLayer


def hosts_of(*hosts):
    return ChannelsRedisLayer(hosts=list(hosts))._hosts


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (("10.0.0.1", 6380), "redis://10.0.0.1:6380/0"),
        (["10.0.0.1", 6380], "redis://10.0.0.1:6380/0"),
        ("redis://:secret@10.0.0.1:6379/2", "redis://:secret@10.0.0.1:6379/2"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ({"address": "rediss://10.0.0.1:6379/1"}, "rediss://10.0.0.1:6379/1"),
        ({"address": ("10.0.0.1", 6380)}, "redis://10.0.0.1:6380/0"),
        ({"host": "10.0.0.1", "port": 6380, "db": 3}, "redis://10.0.0.1:6380/3"),
        ({"host": "::1"}, "redis://[::1]:6379/0"),
        ({"host": "10.0.0.1", "ssl": True}, "rediss://10.0.0.1:6379/0"),
        ({"path": "/run/redis.sock", "db": 1}, "unix:///run/redis.sock?db=1"),
    ],
)
def test_a_host_may_be_a_pair_a_url_or_a_dict(host, url):
    assert [one.url for one in hosts_of(host)] == [url]


def test_each_host_has_its_own_options():
    first, second = hosts_of(
        {"address": "redis://a:1", "password": "one"}, {"host": "b", "password": "two"}
    )
    assert first.make_connection().password == "one"
    assert second.make_connection().password == "two"


def test_a_host_may_be_named_by_sentinels():
    (host,) = hosts_of(
        {
            "sentinels": [("127.0.0.1", 26379)],
            "master_name": "mymaster",
            "sentinel_kwargs": {"password": "s"},
            "password": "m",
        }
    )
    assert isinstance(host, SentinelHost)
    assert host.make_connection().password == "m"


@pytest.mark.parametrize(
    "hosts", ["redis://localhost", [{"master_name": "x"}], [3], [{"address": "http://x"}]]
)
def test_hosts_that_can_not_be_understood_are_told(hosts):
    with pytest.raises(ValueError, match="host"):
        ChannelsRedisLayer(hosts=hosts)


def test_all_options_of_channels_redis_are_taken():
    layer = ChannelsRedisLayer(
        hosts=None,
        prefix="mine",
        expiry=10,
        group_expiry=20,
        capacity=30,
        channel_capacity={"http.request": 40},
        symmetric_encryption_keys=None,
        random_prefix_length=12,
        serializer_format="json",
        on_disconnect=None,
        on_reconnect=None,
    )
    assert (layer.prefix, layer.expiry, layer.group_expiry) == ("mine:", 10, 20)
    assert layer.get_capacity("anything") == 30
    assert layer.get_capacity("http.request") == 40


@both
def test_check_notes_what_has_no_effect(backend):
    found = run_checks({"default": {"BACKEND": backend, "CONFIG": {"on_connect": print}}})
    assert found.keys() == {"I001"}
    assert "'on_connect' has no effect" in found["I001"].msg


def test_an_option_that_nobody_has_is_an_error_still():
    found = run_checks({"default": {"BACKEND": CORE, "CONFIG": {"capacty": 1}}})
    assert "did you mean 'capacity'" in found["E015"].msg


@pytest.mark.parametrize(
    "backend", ["channels.layers.InMemoryChannelLayer", "channels.layers.memory.MemoryChannelLayer"]
)
def test_the_in_memory_layer_is_found_by_each_of_its_names(settings, backend):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend}}
    assert ChannelLayerManager()["default"].local_only()


def test_a_backend_that_is_not_installed_is_told(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_rabbitmq.core.Layer"}}
    with pytest.raises(InvalidChannelLayerError, match="channels_rabbitmq"):
        _ = ChannelLayerManager()["default"]
