"""The channels of a process over each layer: `specific.<process>!<local>`."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest
from asgiref.sync import async_to_sync

from channels.exceptions import LayerUnavailable
from channels.layers.awaited.layer import AwaitedLayer
from channels.layers.local import LocalChannelLayer
from channels.layers.memory import MemoryChannelLayer
from channels.layers.redis import RedisChannelLayer
from tests.processes import wait_until

LIMIT_S = 20


@pytest.fixture(params=["memory", "redis", "local"])
def make_layer(request, short_path):
    """A function that makes the layer that a process has; the next one it makes shares the first
    one's channels."""
    made = []
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")

        def make():
            made.append(RedisChannelLayer(hosts=[server.url]))
            return AwaitedLayer(made[-1])

    elif request.param == "local":

        def make():
            made.append(LocalChannelLayer(folder=str(short_path / "layer")))
            return AwaitedLayer(made[-1])

    else:
        engine = MemoryChannelLayer()
        made.append(engine)

        def make():
            return AwaitedLayer(engine)

    yield make
    for engine in made:
        engine.close()


def run(main):
    """Run `main()` in an event loop, and close what layers have open in it."""
    return asyncio.run(asyncio.wait_for(main(), LIMIT_S))


@contextlib.asynccontextmanager
async def closing(*layers):
    try:
        yield
    finally:
        for layer in layers:
            await layer.close()


def test_a_message_reaches_the_channel_that_it_is_for(make_layer):
    mine, other = make_layer(), make_layer()

    async def main():
        async with closing(mine, other):
            one, two = await mine.new_channel(), await mine.new_channel()
            assert one != two and one.partition("!")[0] == two.partition("!")[0]
            await other.send(two, {"type": "b"})
            await other.send(one, {"type": "a"})
            assert await mine.receive(one) == {"type": "a"}
            assert await mine.receive(two) == {"type": "b"}

    run(main)


def test_each_member_of_a_group_gets_a_message_of_its_own(make_layer):
    layer = make_layer()

    async def main():
        async with closing(layer):
            channels = [await layer.new_channel() for _ in range(3)]
            for channel in channels:
                await layer.group_add("g", channel)
            await layer.group_discard("g", channels[2])
            await layer.group_send("g", {"type": "a", "list": [1]})
            got = [await layer.receive(channel) for channel in channels[:2]]
            got[0]["list"].append(2)
            assert got[1] == {"type": "a", "list": [1]}
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(layer.receive(channels[2]), 0.1)

    run(main)


def test_order_is_kept_and_cancelling_a_receiver_loses_nothing(make_layer):
    mine, other = make_layer(), make_layer()

    async def main():
        async with closing(mine, other):
            channel = await mine.new_channel()
            waiting = asyncio.ensure_future(mine.receive(channel))
            await asyncio.sleep(0)
            waiting.cancel()
            for number in range(50):
                await other.send(channel, {"type": "n", "number": number})
            got = [(await mine.receive(channel))["number"] for _ in range(50)]
            assert got == list(range(50))

    run(main)


def test_receivers_in_several_event_loops_get_what_is_theirs(make_layer):
    layer, received = make_layer(), {}

    def wait_for_one(name, ready):
        async def main():
            async with closing(layer):
                channel = await layer.new_channel()
                ready.append(channel)
                received[name] = await layer.receive(channel)

        run(main)

    ready = []
    threads = [threading.Thread(target=wait_for_one, args=(name, ready)) for name in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(ready) == 3, what="three receivers")
    for channel in ready:
        async_to_sync(layer.send)(channel, {"type": channel.partition("!")[2]})
        # Whoever drained the queue may end now, and another one goes on.
    for thread in threads:
        thread.join(LIMIT_S)
    assert sorted(one["type"] for one in received.values()) == sorted(
        channel.partition("!")[2] for channel in ready
    )


def test_each_verb_may_run_in_an_event_loop_of_its_own(make_layer):
    layer = make_layer()

    def one(coroutine_function, *args):
        async def main():
            async with closing(layer):
                return await coroutine_function(*args)

        return run(main)

    channel = one(layer.new_channel)
    one(layer.group_add, "g", channel)
    one(layer.group_send, "g", {"type": "a"})
    assert one(layer.receive, channel) == {"type": "a"}


def test_a_full_channel_drops_what_comes_for_it_and_its_neighbours_get_theirs(make_layer):
    layer = make_layer()

    async def main():
        async with closing(layer):
            full, free = await layer.new_channel(), await layer.new_channel()
            for channel in (full, free):
                await layer.group_add("g", channel)
            count = layer.engine.capacity + 20
            for number in range(count):
                await layer.group_send("g", {"type": "n", "number": number})
                assert (await layer.receive(free))["number"] == number
            got = [(await layer.receive(full))["number"] for _ in range(layer.engine.capacity)]
            assert got == list(range(layer.engine.capacity))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(layer.receive(full), 0.1)

    run(main)


def test_a_channel_of_a_process_that_is_gone_takes_messages_and_tells_nobody(make_layer):
    layer = make_layer()

    async def main():
        async with closing(layer):
            await layer.send("specific.nobody!here", {"type": "a"})

    run(main)


# -- Redis alone ------------------------------------------------------------------------------

MEMBER = """
import asyncio, sys
from channels.layers.awaited.layer import AwaitedLayer
from channels.layers.redis import RedisChannelLayer

async def main():
    layer = AwaitedLayer(RedisChannelLayer(hosts=[sys.argv[1]]))
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    print(channel, flush=True)
    while True:
        await layer.receive(channel)

asyncio.run(main())
"""


@pytest.fixture
def member(redis_server):
    """A process with a channel in the group "g"."""
    process = subprocess.Popen(
        [sys.executable, "-c", MEMBER, redis_server.url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    process.channel = process.stdout.readline().strip()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_channels_of_a_killed_process_are_in_no_group_when_it_is_known_to_be_dead(
    redis_server, member
):
    engine = RedisChannelLayer(hosts=[redis_server.url])
    assert engine.group_channels("g") == [member.channel]
    member.send_signal(signal.SIGKILL)
    member.wait()
    keys = engine.keyspace.queue(member.channel)
    with redis_server.client() as client:
        assert 0 < client.pttl(keys.known) <= 50_000
        client.pexpire(keys.known, 1)  # as if that time had passed
        wait_until(lambda: not client.exists(keys.known), what="the end of its sign of life")
    assert engine.group_channels("g") == []
    engine.close()


def test_channels_join_their_groups_again_when_redis_has_forgotten_them(redis_server):
    engine = RedisChannelLayer(hosts=[redis_server.url])
    layer = AwaitedLayer(engine)

    async def main():
        async with closing(layer):
            channel = await layer.new_channel()
            await layer.group_add("g", channel)
            waiting = asyncio.ensure_future(layer.receive(channel))
            await asyncio.sleep(0.1)
            await layer.flush()
            while not waiting.done():
                with contextlib.suppress(LayerUnavailable):
                    await layer.group_send("g", {"type": "again"})
                await asyncio.sleep(0.1)
            assert await waiting == {"type": "again"}

    run(main)
    engine.close()


def test_a_silent_channel_is_read_for_longer_than_redis_py_waits(redis_server):
    layer = AwaitedLayer(RedisChannelLayer(hosts=[redis_server.url]))

    async def main():
        async with closing(layer):
            channel = await layer.new_channel()
            waiting = asyncio.ensure_future(layer.receive(channel))
            await asyncio.wait([waiting], timeout=6.5)  # redis-py 8 gives up after 5 s
            assert not waiting.done()
            await layer.send(channel, {"type": "late"})
            assert await waiting == {"type": "late"}

    run(main)
