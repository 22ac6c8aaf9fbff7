"""What may be lost, or run twice, when Redis has lost its last moments is told and counted."""

import asyncio
import contextlib
import functools
import time

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.presence import rollback, upkeep
from channels.layers.redis.queues.sending import SENT, TAKEN, TENTHS, Traffic
from tests.processes import RedisServer, wait_until


@pytest.fixture
def worker(make_layer, redis_server):
    """A layer that has sent three messages and taken one, and whose connections then broke."""
    worker = make_layer()
    for n in range(3):
        worker.send("work", {"n": n})
    worker.send("websocket.send.server!a", {})
    assert worker.receive(["work"])[1] == {"n": 0}
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    with contextlib.suppress(LayerUnavailable):
        worker.receive(["nothing"])
    return worker


def mark(layer, span_s=5.0):
    """What an interface server does that has noticed it."""
    layer._sync.run(layer.rollbacks.mark(span_s))


def keep_house(worker):
    worker.keep_house("worker", {}, ["work"])


def count_doubtful(layer, channel="work"):
    return layer.channel_statistics(channel)["doubtful_count"]


def test_what_a_worker_sent_and_took_then_is_counted_once(layer, worker, caplog):
    mark(layer)
    for _ in range(3):
        keep_house(worker)
    assert count_doubtful(layer) == 4
    assert "messages that this process sent then, 3 may be lost (work: 3)" in caplog.text
    assert "of those that it took, 1 may run twice (work: 1)" in caplog.text


def test_several_servers_that_notice_the_same_loss_count_it_once(layer, worker):
    mark(layer)
    keep_house(worker)
    mark(layer)
    keep_house(worker)
    assert count_doubtful(layer) == 4


def test_without_a_mark_nothing_is_in_doubt(layer, worker):
    keep_house(worker)
    assert count_doubtful(layer) == 0


def test_who_kept_its_connections_looks_for_no_mark(make_layer):
    layer = make_layer()
    layer.send("work", {})
    mark(layer)
    keep_house(layer)
    assert count_doubtful(layer) == 0


@pytest.mark.parametrize("text", ["", "junk", "a b c d", "name 1 2 3", "name 1 2 3 4"])
def test_a_mark_that_is_none_is_passed_over(layer, worker, redis_server, text):
    with redis_server.client() as client:
        client.set(layer.keyspace.registry("rollback"), text)
    keep_house(worker)
    assert count_doubtful(layer) == 0


def test_what_an_interface_server_sends_is_counted_for_its_process(layer):
    async def send():
        link = layer.open_link("server", lambda *reply: None, lambda: None)
        await link.start()
        await link.send("http.request", {"path": "/"})
        await link.stop()

    asyncio.run(send())
    now_s = time.monotonic()
    assert layer.traffic.between(SENT, now_s - 10, now_s + 1) == {"http.request": 1}


def test_only_what_lies_within_the_time_is_in_doubt():
    now = [50.0]
    traffic = Traffic(clock=lambda: now[0])
    for now[0] in (50.0, 50.5, 51.0, 51.5):
        traffic.note(SENT, "work")
    traffic.note(TAKEN, "work")
    assert traffic.between(SENT, 50.4, 51.1) == {"work": 2}
    assert traffic.between(TAKEN, 50.0, 60.0) == {"work": 1}


def test_messages_of_sockets_and_processes_are_passed_over():
    traffic = Traffic(clock=lambda: 1.0)
    for channel in ("websocket.receive", "websocket.send.s!a", "http.response.s!a", "body?x"):
        traffic.note(SENT, channel)
    assert traffic.between(SENT, 0.0, 2.0) == {}


def test_old_figures_are_forgotten():
    now = [0.0]
    traffic = Traffic(clock=lambda: now[0])
    for tenth in range(TENTHS + 5):
        now[0] = tenth / 10 + 0.05
        traffic.note(SENT, "work")
    assert traffic.between(SENT, 0.0, 1e9) == {"work": TENTHS}


def test_the_time_of_a_mark_is_that_of_redis(layer):
    mark(layer, span_s=0.7)
    (text,) = layer._sync.run(_get(layer))
    loss = rollback._read_loss(text, float(text.split()[1]) + 250.0)
    assert (loss.span_s, loss.age_s) == (0.7, 0.25)


def _get(layer):
    from channels.layers.redis.transport.plans import Request

    return (yield [Request(0, ("GET", layer.keyspace.registry("rollback")))])


def test_a_server_notices_by_its_frames_and_workers_count_and_another_server_closes(monkeypatch):
    monkeypatch.setattr(upkeep, "DOUBT_S", 60.0)  # on a slow machine, too
    with RedisServer() as server:
        make = functools.partial(RedisChannelLayer, hosts=[server.url])
        layer, worker = make(), make()
        losing = _lose_the_last_moments(layer, worker, server)
        closed = asyncio.run(asyncio.wait_for(losing, 30))
        assert closed == (["b"], {"close": 1012})
        assert count_doubtful(layer) == 2
        layer.close()
        worker.close()


async def _lose_the_last_moments(layer, worker, server):
    link = layer.open_link("server", lambda *reply: None, lambda: None)
    replies = asyncio.Queue()
    other = layer.open_link("other", lambda *reply: replies.put_nowait(reply), lambda: None)
    await link.start()
    await other.start()
    known = [layer.keyspace.server(each, "known") for each in ("server", "other")]
    await asyncio.to_thread(_wait_for_keys, server, known)
    message = {"reply_channel": "websocket.send.server!a", "path": "/", "order": 1, "text": "x"}
    await link.send_frame(message)
    there = {"reply_channel": "websocket.send.other!b", "path": "/"}
    await other.open_socket("b", there)
    await other.send_frame({**there, "order": 1, "text": "x"})
    server.keep_copy()
    await link.send_frame({**message, "order": 2})
    for n in range(2):
        worker.send("work", {"n": n})
    server.restart_with_copy()
    marked = layer.keyspace.registry("rollback")
    await asyncio.to_thread(_wait_for_keys, server, [marked])
    with contextlib.suppress(LayerUnavailable):  # its connections are gone
        worker.receive(["nothing"])
    await asyncio.to_thread(_keep_house_until_it_works, worker)
    closed = await replies.get()
    await link.stop()
    await other.stop()
    return closed


def _wait_for_keys(server, keys):
    with server.client() as client:
        wait_until(lambda: client.exists(*keys) == len(keys), what=keys)


def _keep_house_until_it_works(worker):
    for _ in range(100):
        with contextlib.suppress(LayerUnavailable):
            keep_house(worker)
            return
        time.sleep(0.05)
    raise AssertionError("Redis did not come back")
