"""What a worker had in its hands when it was killed is counted, as far as it is known."""

import pytest

from channels.layers.redis.presence import presence, registry

RUNNING = [{"channel": "job", "consumer": "app.consumers.run", "since": 0.0}]


@pytest.fixture(autouse=True)
def watched(monkeypatch):
    """The layer has been watched for long enough."""
    monkeypatch.setattr(presence, "WATCHED_FOR_S", 0.0)


def die(layer, redis_server, *workers):
    """The last sign of life of these workers was long ago."""
    with redis_server.client() as client:
        client.zadd(layer.keyspace.registry("workers"), dict.fromkeys(workers, 1))


def lost(layer, channel="job"):
    return layer.channel_statistics(channel)["lost_count"]


def test_what_a_dead_worker_ran_is_counted_as_lost(make_layer, redis_server, caplog):
    dead, layer = make_layer(), make_layer()
    dead.keep_house("dead", {"running": [*RUNNING, *RUNNING]}, {"job"})
    die(layer, redis_server, "dead")
    layer.keep_house("living", {}, {"job"})
    assert lost(layer) == 2
    assert "worker dead died while it ran 2 message(s) of job, which are lost" in caplog.text
    make_layer().keep_house("another", {}, {"job"})
    assert lost(layer) == 2


def test_what_another_worker_gets_is_not_lost(make_layer, redis_server):
    config = {"acknowledged": {"job": {}}}
    dead, layer = make_layer(**config), make_layer(**config)
    dead.keep_house("dead", {"running": RUNNING}, {"job"})
    die(layer, redis_server, "dead")
    layer.keep_house("living", {}, {"job"})
    assert lost(layer) == 0


def test_what_ran_in_order_is_counted_by_who_brings_its_socket_on(make_layer, redis_server):
    dead, layer = make_layer(), make_layer()
    dead.runs_in_order[1] = "job"
    dead.keep_house("dead", {"running": [*RUNNING, *RUNNING]}, {"job"})
    die(layer, redis_server, "dead")
    layer.keep_house("living", {}, {"job"})
    assert lost(layer) == 1


def test_a_worker_shows_what_it_runs_as_soon_as_it_keeps_house(layer):
    layer.keep_house("worker", {}, {"job"})
    layer.keep_house("worker", {"running": RUNNING}, {"job"})
    (worker,) = layer.status()["workers"]
    assert [item["channel"] for item in worker["running"]] == ["job"]
    layer.keep_house("worker", {"running": []}, {"job"})
    (worker,) = layer.status()["workers"]
    assert worker["running"] == []


def test_nobody_is_dead_just_after_an_outage(make_layer, redis_server, monkeypatch):
    monkeypatch.setattr(presence, "WATCHED_FOR_S", 9.0)
    dead, layer = make_layer(), make_layer()
    dead.keep_house("dead", {"running": RUNNING}, {"job"})
    die(layer, redis_server, "dead")
    layer.keep_house("living", {}, {"job"})
    assert lost(layer) == 0
    assert registry.TTL_MS["workers"] > 10_000
