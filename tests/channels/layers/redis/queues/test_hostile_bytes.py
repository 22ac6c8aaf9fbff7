"""Bytes in Redis that are no message: counted, told in the log, and nobody stops for them."""

import asyncio
import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.layers.redis import RedisChannelLayer
from channels.layers.redis.queues import envelope

#: Anything, and what begins as an envelope does: a kind, a count of attempts, a far expiry.
garbage = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda kind, rest: bytes([kind, 0]) + b"\x7f\xe0" + bytes(6) + rest,
        st.integers(0, 4),
        st.binary(max_size=40),
    ),
)
SERVER = "server"


def with_one_layer(max_examples):
    """Settings for tests that wipe the one layer which all their examples share."""
    shared = [HealthCheck.function_scoped_fixture]
    return settings(max_examples=max_examples, deadline=None, suppress_health_check=shared)


@given(garbage)
def test_any_bytes_are_an_envelope_or_malformed(data):
    with contextlib.suppress(envelope.MalformedEnvelope):
        envelope.parse(data)
    envelope.expires_ms(data)
    envelope.kind_of(data)


@pytest.fixture
def small_layer(redis_server):
    layer = RedisChannelLayer(
        hosts=[redis_server.url], prefix="hostile:", channel_capacity={"jobs": 10}
    )
    yield layer
    layer.close()


def push(redis_server, layer, channel, data):
    with redis_server.client() as client:
        client.rpush(layer.keyspace.queue(channel).queue, *data)


@with_one_layer(max_examples=60)
@given(st.lists(garbage, min_size=1, max_size=5), st.booleans())
def test_a_worker_gets_the_next_message_all_the_same(small_layer, redis_server, data, waits):
    layer = small_layer
    layer.flush()
    push(redis_server, layer, "jobs", data)
    layer.send("jobs", {"after": "garbage"})
    assert layer.channel_statistics("jobs")["messages_pending"] >= 1
    reader = layer.open_reader(["jobs"])
    found = []
    for _ in range(20):
        _, delivery = reader.take([], 0.01 if waits else 0.0)
        found += [delivery.content] if delivery else []
        if {"after": "garbage"} in found:
            break
    reader.close()
    assert {"after": "garbage"} in found


@with_one_layer(max_examples=25)
@given(st.lists(garbage, min_size=1, max_size=5))
def test_a_full_channel_of_garbage_is_full_and_no_more(small_layer, redis_server, data):
    layer = small_layer
    layer.flush()
    push(redis_server, layer, "jobs", [*data, *[b"short"] * 20])
    with pytest.raises(layer.ChannelFull):
        layer.send("jobs", {})


@with_one_layer(max_examples=25)
@given(data=st.lists(garbage, min_size=1, max_size=5))
def test_an_interface_server_gets_the_next_reply_all_the_same(small_layer, redis_server, data):
    layer = small_layer
    layer.flush()
    channel = f"websocket.send.{SERVER}!"
    got = []

    async def serve():
        link = layer.open_link(SERVER, lambda clients, message: got.append(message), lambda: None)
        await link.start()
        push(redis_server, layer, channel, data)
        await asyncio.to_thread(layer.send, f"{channel}a", {"text": "after garbage"})
        for _ in range(500):
            if {"text": "after garbage"} in got:
                break
            await asyncio.sleep(0.01)
        await link.stop()

    asyncio.run(serve())
    assert {"text": "after garbage"} in got
