"""Who can write to Redis, but has no key, can make nobody take what was not meant for them."""

import asyncio

import pytest

from channels.layers.operations import Done, SaveSession

pytest.importorskip("cryptography")

MINE, THEIRS = "websocket.send.server!mine", "websocket.send.server!theirs"


@pytest.fixture
def layer(make_layer):
    return make_layer(symmetric_encryption_keys=["a long random text"])


@pytest.fixture
def client(redis_server):
    with redis_server.client() as client:
        yield client


def queue_of(layer, channel):
    return layer.keyspace.queue(channel).queue


def test_a_job_that_is_put_into_its_queue_twice_is_run_once(layer, client):
    layer.send("job", {"n": 1})
    (envelope,) = client.lrange(queue_of(layer, "job"), 0, -1)
    reader = layer.open_reader(["job"])
    _, delivery = reader.take()
    client.rpush(queue_of(layer, "job"), envelope)
    assert delivery.content == {"n": 1}
    assert reader.take([Done(delivery)]) == ([None], None)
    assert layer.channel_statistics("job")["undecodable_count"] == 1
    reader.close()


def test_a_message_that_was_put_back_is_taken_again(layer):
    from channels.layers.operations import PutBack

    layer.send("job", {"n": 1})
    reader = layer.open_reader(["job"])
    _, delivery = reader.take()
    _, again = reader.take([PutBack(delivery)])
    assert again.content == {"n": 1}
    reader.close()


def test_a_job_that_is_moved_to_another_channel_is_dropped(layer, client):
    layer.send("job", {"n": 1})
    client.rename(queue_of(layer, "job"), queue_of(layer, "other.job"))
    assert layer.receive(["other.job"]) == (None, None)
    assert layer.channel_statistics("other.job")["undecodable_count"] == 1


def test_what_is_for_one_client_is_not_handed_to_another(layer, client):
    handed = []

    async def scenario():
        link = layer.open_link("server", lambda clients, m: handed.append((clients, m)), print)
        layer.send(THEIRS, {"text": "secret"})
        (envelope,) = client.lrange(queue_of(layer, THEIRS), 0, -1)
        client.delete(queue_of(layer, THEIRS))
        moved = envelope.replace(b"\0\0\0\x06theirs", b"\0\0\0\x04mine")
        assert moved != envelope
        client.rpush(queue_of(layer, MINE), moved)
        layer.send(MINE, {"text": "hello"})
        await link.start()
        while not handed:
            await asyncio.sleep(0.01)
        await link.stop()

    asyncio.run(asyncio.wait_for(scenario(), 10))
    assert handed == [(["mine"], {"text": "hello"})]


def test_the_session_of_one_socket_is_not_that_of_another(layer, client):
    layer.apply([layer.prepare_session(THEIRS, {"user": 1})])
    theirs, mine = (layer.sockets.place_of(name).session for name in (THEIRS, MINE))
    client.copy(theirs, mine)
    assert layer.load_session(THEIRS) == {"user": 1}
    assert layer.load_session(MINE) == {}


def test_a_value_that_can_not_be_read_does_not_hide_the_rest_of_a_session(layer):
    layer.apply([layer.prepare_session(MINE, {"user": 1})])
    layer.apply([SaveSession(MINE, {"junk": b"\xc1junk"})])
    assert layer.load_session(MINE) == {"user": 1}


def test_groups_delays_and_dead_letters_work_with_keys(layer):
    from channels.layers.operations import DeadLetter

    layer.group_add("room", "job")
    layer.send_group("room", {"n": 1})
    layer.send("job", {"n": 2}, delay_s=0.02)
    assert layer.receive(["job"], block=True) == ("job", {"n": 1})
    assert layer.receive(["job"], block=True) == ("job", {"n": 2})
    layer.send("job", {"n": 3})
    reader = layer.open_reader(["job"])
    _, delivery = reader.take()
    reader.take([DeadLetter(delivery, "given up")])
    reader.close()
    assert [letter["content"] for letter in layer.dead_letters("job")] == [{"n": 3}]
    assert layer.replay_dead_letters("job") == 1
    assert layer.receive(["job"]) == ("job", {"n": 3})
