"""Somebody who can write to Redis, but has no key; and keys that change."""

import asyncio
import json
import struct

from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.faults.site import wait_until

_KEYS = {"symmetric_encryption_keys": ["a long random text"]}
#: An envelope's head: kind, attempts, expiry in ms; then the length of the clients' names.
_HEAD, _LENGTH = struct.Struct(">BBd"), struct.Struct(">I")


@scenario(53, hosts=("daphne", "uvicorn"), frames=(5, 50), replays=(5, 50))
async def ciphertext_is_moved_and_replayed(site, numbers):
    site.configure(layer=_KEYS)
    result = Result()
    with site.redis.client() as client:
        site.layer.send("counted", {"n": 1})
        (job,) = client.lrange(site.layer.keyspace.queue("counted").queue, 0, -1)
        await site.start(workers=1)
        await site.ledger.wait_for(1, "job")
        await _open(site, "hello")
        (his,) = _sockets(client)
        thief = await _open(site, "mine")
        (mine,) = set(_sockets(client)) - {his}
        await _move_frames(site, client, his, mine, numbers.frames)
        thief.send("still there")
        await thief.wait_for_texts(2)
        result.true(f"the thief got {thief.texts}", thief.texts == ["mine", "still there"])
        await _replay_job(site, client, job, numbers.replays)
    result.equal("jobs run", site.ledger.count("job"), 1)
    result.true("the log says why", "it was changed, or is not for" in site.split.logs)
    result.true("and of the replay", "it was replayed" in site.split.logs)
    return result


async def _open(site, text):
    socket = await site.open_socket("/echo")
    socket.send(text)
    await socket.wait_for_texts(1)
    return socket


async def _move_frames(site, client, his, mine, count):
    """While the server stands still, put what is for one client into the hands of another."""
    server, own = site.split.servers[-1], mine.partition("!")[2].encode()
    queue = site.layer.keyspace.queue(his).queue
    server.pause()
    try:
        for _ in range(count):
            site.layer.send(his, {"text": "secret"})
        for place, envelope in enumerate(client.lrange(queue, 0, -1)):
            body = envelope[_HEAD.size :]
            sealed = body[_LENGTH.size + _LENGTH.unpack_from(body)[0] :]
            moved = envelope[: _HEAD.size] + _LENGTH.pack(len(own)) + own + sealed
            client.lset(queue, place, moved)
    finally:
        server.resume()
    await wait_until(lambda: "is not for" in site.split.logs, limit_s=20)


def _sockets(client):
    """Yield the reply channels of the sockets that are open."""
    for key in client.keys("asgi:{*}:sockets"):
        server_id = key.decode().partition("{")[2].partition("}")[0]
        for socket in client.hkeys(key):
            yield f"websocket.send.{server_id}!{socket.decode()}"


async def _replay_job(site, client, envelope, count):
    """Put a job's envelope, that somebody has noted down, back with a new expiry."""
    queue = site.layer.keyspace.queue("counted").queue
    kind, attempts, _ = _HEAD.unpack_from(envelope)
    later_ms = (int(client.time()[0]) + 3_600) * 1000
    for _ in range(count):
        client.rpush(queue, _HEAD.pack(kind, attempts, later_ms) + envelope[_HEAD.size :])
    await wait_until(lambda: client.llen(queue) == 0)
    await asyncio.sleep(0.5)


@scenario(54, hosts=("daphne", "uvicorn"), frames=(20, 500))
async def keys_are_rotated(site, numbers):
    """Step by step, with old and new processes side by side; and all at once, which is refused."""
    result, before = Result(), None
    for step, keys in enumerate((["old"], ["old", "new"], ["new", "old"], ["new"])):
        site.configure(layer={"symmetric_encryption_keys": keys})
        await site.start(workers=1)
        split = site.split
        for server in [*split.servers, *(before.servers if before else ())]:
            socket = await site.open_socket("/echo", address=("127.0.0.1", server.port))
            for number in range(numbers.frames):
                socket.send(str(number))
            await socket.wait_for_texts(numbers.frames)
            result.equal(f"frames answered, {keys}", len(socket.texts), numbers.frames)
            socket.vanish()
        if step == 0:
            await _expect_refusal(site, result, ["new", "old"])
        for process in [*before.workers, *before.servers] if before else ():
            await site.call(process.stop)
        before = split
    return result


async def _expect_refusal(site, result, keys):
    site.configure(layer={"symmetric_encryption_keys": keys})
    process = await site.call(site.split.start_worker, wait=False)
    await wait_until(lambda: not process.is_running)
    result.true("a worker that the others could not read ends", not process.is_running)
    result.true("and says which key", "with which this one encrypts" in process.log)


@scenario(55, entries=(20, 500))
async def junk_in_the_registry(site, numbers):
    await site.start(workers=1)
    with site.redis.client() as client:
        now_ms = int(client.time()[0]) * 1000
        for number in range(numbers.entries):
            kind = ("servers", "workers")[number % 2]
            key, name = site.layer.keyspace.registry(kind), bytes([200 + number % 50, number % 7])
            client.zadd(key, {name: now_ms, f"junk-{number}": now_ms + 10**12})
            client.hset(f"{key}:facts", name, json.dumps({"n": number}))
        await site.start(workers=1)
        result = Result()
        socket = await _open(site, "hello")
        result.equal("frames answered by new processes", len(socket.texts), 1)
        status = await site.call(site.layer.status)
        result.equal("servers known", len(status["servers"]), 2)
        result.equal("workers known", len(status["workers"]), 2)
    result.true("the log says so", "was removed from the registry" in site.split.logs)
    return result
