"""The layer over masters that real Sentinels name."""

import asyncio
import contextlib

import pytest
import redis

from channels.asgi import ChannelLayerManager
from channels.exceptions import InvalidChannelLayerError, LayerUnavailable
from channels.layers.redis import RedisSentinelChannelLayer
from tests.processes import Process, RedisServer, find_redis_server, free_port, wait_until


class Sentinel:
    """A Sentinel over the masters {name: port of 127.0.0.1}."""

    def __init__(self, directory, masters):
        self.port = free_port()
        config = directory / f"sentinel-{self.port}.conf"
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {directory}"]
        for name, port in masters.items():
            lines += [
                f"sentinel monitor {name} 127.0.0.1 {port} 1",
                f"sentinel down-after-milliseconds {name} 500",
            ]
        config.write_text("\n".join(lines))
        command = [find_redis_server(), str(config), "--sentinel"]
        self._process = Process(command, directory / f"sentinel-{self.port}.log")
        wait_until(self._answers, what=lambda: self._process)

    def _answers(self):
        assert self._process.is_running, self._process
        with redis.Redis(port=self.port) as client, contextlib.suppress(redis.ConnectionError):
            return client.ping()
        return False

    def knows_replica(self, name):
        with redis.Redis(port=self.port) as client:
            return client.sentinel_slaves(name)

    def stop(self):
        self._process.stop()


@pytest.fixture
def start_sentinel(tmp_path, redis_server):
    started = []

    def start(**masters):
        started.append(Sentinel(tmp_path, masters))
        return started[-1]

    yield start
    for sentinel in started:
        sentinel.stop()


@contextlib.contextmanager
def open_layer(*sentinels, **config):
    layer = RedisSentinelChannelLayer(
        hosts=[("127.0.0.1", sentinel.port) for sentinel in sentinels], **config
    )
    try:
        yield layer
    finally:
        layer.close()


def test_messages_go_through_the_master_that_sentinel_names(start_sentinel, redis_server):
    sentinel = start_sentinel(main=redis_server.port)
    with open_layer(sentinel, services=["main"]) as layer:
        layer.send("work", {"n": 1})
        assert layer.receive(["work"]) == ("work", {"n": 1})

        async def scenario():
            await layer.asend("work", {"n": 2})
            received = await layer.areceive(["work"])
            await layer.aclose()
            return received

        assert asyncio.run(scenario()) == ("work", {"n": 2})


def test_without_services_sentinel_is_asked_for_all_of_its_masters(
    start_sentinel, redis_server, second_redis_server
):
    sentinel = start_sentinel(second=second_redis_server.port, first=redis_server.port)
    with open_layer(sentinel) as layer:
        assert [host.name for host in layer._hosts] == [
            "first (by Sentinel)",
            "second (by Sentinel)",
        ]
        for n in range(8):
            layer.send(f"work-{n}", {})
        for server in (redis_server, second_redis_server):
            with server.client() as client:
                assert client.dbsize() > 0


def test_a_sentinel_that_is_away_is_passed_over(start_sentinel, redis_server):
    away, sentinel = (start_sentinel(main=redis_server.port) for _ in range(2))
    away.stop()
    with open_layer(away, sentinel) as layer:
        layer.send("work", {"n": 1})
        assert layer.receive(["work"])[1] == {"n": 1}


def test_after_a_failover_the_new_master_is_used(start_sentinel):
    with RedisServer() as master, RedisServer() as replica, replica.client() as client:
        client.replicaof("127.0.0.1", master.port)
        wait_until(
            lambda: client.info("replication")["master_link_status"] == "up",
            what="the replica to follow",
        )
        sentinel = start_sentinel(main=master.port)
        wait_until(lambda: sentinel.knows_replica("main"), what="Sentinel to see the replica")
        with open_layer(sentinel, services=["main"]) as layer:
            layer.send("work", {"n": 1})
            wait_until(lambda: client.dbsize() > 0, what="the replica to have the message")
            master.kill()

            def is_sent():
                try:
                    layer.send("work", {"n": 2})
                except LayerUnavailable:
                    return False
                return True

            wait_until(is_sent, limit_s=30.0, what="the failover")
            assert [layer.receive(["work"])[1]["n"] for _ in range(2)] == [1, 2]


def test_sentinels_that_know_no_master_are_told(start_sentinel):
    with pytest.raises(ValueError, match="knows of no master: name `services`"):
        RedisSentinelChannelLayer(hosts=[("127.0.0.1", start_sentinel().port)])


def test_without_services_and_sentinels_it_is_said_which_were_asked(settings):
    hosts = [("127.0.0.1", free_port()), ("127.0.0.1", free_port())]
    with pytest.raises(LayerUnavailable) as caught:
        RedisSentinelChannelLayer(hosts=hosts)
    assert all(f"127.0.0.1:{port}" in str(caught.value) for _, port in hosts)
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "asgi_redis.RedisSentinelChannelLayer",
            "CONFIG": {"hosts": hosts},
            "ROUTING": [],
        }
    }
    with pytest.raises(InvalidChannelLayerError, match="no Sentinel could be asked"):
        ChannelLayerManager()["default"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"hosts": "localhost"}, "not one string"),
        ({"hosts": ["redis://:secret@localhost"]}, r"hosts\[0\] must be the \(host, port\) pair"),
        ({"services": "main"}, "not one string"),
    ],
)
def test_wrong_sentinels_and_services_are_refused(config, said):
    with pytest.raises(ValueError, match=said) as refused:
        RedisSentinelChannelLayer(**config)
    assert "secret" not in str(refused.value)


def test_sentinels_may_have_a_password_of_their_own(start_sentinel, redis_server):
    sentinel = start_sentinel(main=redis_server.port)
    with redis.Redis(port=sentinel.port) as client:
        client.execute_command("ACL", "SETUSER", "default", "resetpass", ">secret")
    with pytest.raises(LayerUnavailable, match="Authentication required"):
        RedisSentinelChannelLayer(hosts=[("127.0.0.1", sentinel.port)])
    kwargs = {"sentinel_kwargs": {"password": "secret"}}
    with open_layer(sentinel, connection_kwargs=kwargs) as layer:
        layer.send("work", {"n": 1})
        assert layer.receive(["work"])[1] == {"n": 1}
