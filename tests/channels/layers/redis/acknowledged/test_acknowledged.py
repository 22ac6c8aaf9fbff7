"""Messages of acknowledged channels outlive their worker, and are not delivered too often."""

import logging
import time

import pytest

from channels.layers import acknowledgement
from channels.layers.operations import Done, PutBack, Retry
from channels.layers.redis import RedisChannelLayer
from tests.processes import wait_until

TIMEOUT_S = 0.15


@pytest.fixture(autouse=True)
def _short_timeouts(monkeypatch):
    monkeypatch.setattr(acknowledgement, "SHORTEST_TIMEOUT_S", 0.0)


@pytest.fixture
def make_worker(make_layer):
    """Make layers that work for "work", each like a worker process of its own."""

    def make(max_deliveries=3, **config):
        settings = {"timeout_s": TIMEOUT_S, "max_deliveries": max_deliveries}
        return make_layer(acknowledged={"work": settings}, **config)

    return make


def take(layer):
    """The next delivery on "work", or None."""
    reader = layer.open_reader(["work"])
    _, delivery = reader.take()
    reader.close()
    return delivery


def keep(layer):
    """What each worker does from time to time, as one that has watched for long."""
    layer._sync.run(layer.acknowledged.renew())
    layer._sync.run(layer.acknowledged.keep({"work"}))


def come_again(layer):
    """Wait until a message comes again; return it."""

    def look():
        keep(layer)
        return take(layer)

    return wait_until(look, what="a message that comes again")


def pass_timeout():
    time.sleep(1.5 * TIMEOUT_S)  # Redis' own clock can't be moved


def count(layer, key):
    return layer.channel_statistics("work")[key]


# -- workers that die ---------------------------------------------------------------------------


def test_a_message_whose_worker_died_goes_to_another(make_worker, caplog):
    dead, alive = make_worker(), make_worker()
    dead.send("work", {"n": 1})
    assert take(dead).content == {"n": 1}
    delivery = come_again(alive)
    assert (delivery.content, delivery.attempts) == ({"n": 1}, 0)
    assert "1 message(s) on work go to another worker" in caplog.text
    alive.apply([Done(delivery)])
    pass_timeout()
    keep(alive)
    assert take(alive) is None


def test_a_message_does_not_come_again_before_the_timeout(make_worker):
    dead, alive = make_worker(), make_worker()
    dead.send("work", {})
    take(dead)
    keep(alive)
    assert take(alive) is None


def test_a_consumer_may_run_longer_than_the_timeout(make_worker):
    busy, other = make_worker(), make_worker()
    busy.send("work", {})
    delivery = take(busy)
    deadline = time.monotonic() + 3 * TIMEOUT_S
    while time.monotonic() < deadline:
        keep(busy)
        keep(other)
        assert take(other) is None
    assert busy.apply([Done(delivery)]) == [None]
    pass_timeout()
    keep(other)
    assert take(other) is None


def test_what_has_ended_does_not_come_again(make_worker):
    layer = make_worker()
    layer.send("work", {})
    layer.apply([Done(take(layer))])
    pass_timeout()
    keep(layer)
    assert take(layer) is None


def test_after_so_many_deaths_a_message_becomes_a_dead_letter(make_worker, caplog):
    layer = make_worker(max_deliveries=2)
    layer.send("work", {"n": 1})
    take(layer)
    layer.acknowledged._owned.clear()  # the process dies with it
    assert come_again(layer).content == {"n": 1}
    layer.acknowledged._owned.clear()
    pass_timeout()
    keep(layer)
    assert take(layer) is None
    (letter,) = layer.dead_letters("work")
    assert (letter["content"], letter["reason"]) == ({"n": 1}, "its worker died, 2 times")
    assert "were given up, as their workers died 2 times" in caplog.text


def test_a_replayed_letter_has_all_its_deliveries_again(make_worker):
    layer = make_worker(max_deliveries=1)
    layer.send("work", {})
    take(layer)
    layer.acknowledged._owned.clear()
    pass_timeout()
    keep(layer)
    assert layer.replay_dead_letters("work") == 1
    layer.apply([Done(take(layer))])
    assert layer.dead_letters("work") == []


def test_a_worker_that_was_only_thought_dead_can_not_double_a_message(make_worker):
    paused, other = make_worker(), make_worker()
    paused.send("work", {"n": 1})
    first = take(paused)
    second = come_again(other)
    for late in (Done(first), Retry(first, 0.0), PutBack(first)):
        assert paused.apply([late]) == [None]
    assert take(other) is None
    other.apply([Done(second)])
    pass_timeout()
    keep(other)
    assert take(other) is None


def test_attempts_survive_a_death(make_worker):
    dead, alive = make_worker(), make_worker()
    dead.send("work", {})
    dead.apply([Retry(take(dead), 0.0)])
    assert take(dead).attempts == 1
    assert come_again(alive).attempts == 1


def test_a_reader_that_waits_gets_what_comes_again(make_worker):
    import threading

    dead, alive = make_worker(), make_worker()
    dead.send("work", {"n": 1})
    take(dead)
    taken = []
    reader = alive.open_reader(["work"])
    thread = threading.Thread(target=lambda: taken.append(reader.take(block_s=10)[1]))
    thread.start()
    wait_until(lambda: keep(alive) or taken, what="the reader to be woken")
    thread.join()
    assert taken[0].content == {"n": 1}
    reader.close()


# -- tokens and answers that are lost -----------------------------------------------------------


def test_a_message_whose_token_was_lost_is_found(make_worker, redis_server):
    layer = make_worker()
    layer.send("work", {"n": 1})
    with redis_server.client() as client:  # as when a worker dies before it has read the message
        assert client.lpop(layer.keyspace.queue("work").queue)
    assert take(layer) is None
    keep(layer)
    assert take(layer).content == {"n": 1}


def test_a_message_whose_reader_never_got_it_comes_again_though_that_lives(make_worker):
    layer = make_worker()
    layer.send("work", {"n": 1})
    keys = layer.keyspace.queue("work")
    plan = layer.acknowledged.read(keys, 0, False)
    layer._sync.run(iter_first_step(plan))  # the answer is lost on its way
    assert come_again(layer).content == {"n": 1}


def iter_first_step(plan):
    """A plan that carries out the first step of `plan`, and drops the answer."""
    yield next(plan)


def test_a_token_too_many_does_no_harm(make_worker, redis_server):
    layer = make_worker()
    layer.send("work", {"n": 1})
    keys = layer.keyspace.queue("work")
    with redis_server.client() as client:
        client.rpush(keys.queue, client.lindex(keys.queue, 0))
    assert take(layer).content == {"n": 1}
    assert take(layer) is None
    layer.send("work", {"n": 2})
    assert take(layer).content == {"n": 2}


def test_an_unreadable_message_is_counted_and_does_not_come_again(
    make_worker, redis_server, caplog
):
    layer = make_worker()
    other = make_worker(symmetric_encryption_keys=["a key that the first one has not"])
    other.send("work", {})
    with caplog.at_level(logging.ERROR):
        assert take(layer) is None
    assert count(layer, "undecodable_count") == 1
    pass_timeout()
    keep(layer)
    assert take(layer) is None


# -- what becomes of messages when the setting changes --------------------------------------------


def test_messages_sent_before_a_channel_was_acknowledged_are_received(make_layer, make_worker):
    before, after = make_layer(), make_worker()
    before.send("work", {"n": 1})
    before.send("work", {"n": 2}, 0.01)
    delivery = take(after)
    assert delivery.content == {"n": 1}
    assert after.apply([Done(delivery)]) == [None]
    assert wait_until(lambda: take(after), what="the delayed one").content == {"n": 2}


def test_messages_sent_while_a_channel_was_acknowledged_are_received(make_layer, make_worker):
    before, after = make_worker(), make_layer()
    before.send("work", {"n": 1})
    before.send("work", {"n": 2}, 0.01)
    delivery = take(after)
    assert delivery.content == {"n": 1}
    assert after.apply([Done(delivery)]) == [None]
    assert wait_until(lambda: take(after), what="the delayed one").content == {"n": 2}


def test_a_glob_of_everything_leaves_reply_channels_as_they_are(redis_server):
    layer = RedisChannelLayer(hosts=[redis_server.url], prefix="all:", acknowledged={"*": {}})
    for channel in ("reply!a", "body?b", "work"):
        layer.send(channel, {"n": 1})
    with redis_server.client() as client:
        streams = {key for key in client.scan_iter("all:*") if client.type(key) == b"stream"}
    assert streams == {b"all:{work}:s:work"}
    layer.close()


# -- housekeeping -------------------------------------------------------------------------------


def test_housekeeping_of_a_worker_renews_at_once_and_judges_others_later(make_worker, monkeypatch):
    dead, alive = make_worker(), make_worker()
    dead.send("work", {"n": 1})
    take(dead)
    pass_timeout()
    alive.keep_house("alive", {}, {"work"})  # it has only just come
    assert take(alive) is None
    monkeypatch.setattr("channels.layers.redis.presence.presence.WATCHED_FOR_S", 0.0)
    alive._housekeeping._next_round_s = 0.0
    alive.keep_house("alive", {}, {"work"})
    delivery = take(alive)
    assert delivery.content == {"n": 1}
    for _ in range(4):
        time.sleep(TIMEOUT_S / 2)
        alive.keep_house("alive", {}, {"work"})
        keep(dead)
    assert take(dead) is None
