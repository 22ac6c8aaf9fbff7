"""Long responses, large bodies, clients that are slow or leave in the middle."""

import asyncio
import json
import time

import psutil

from tests.faults.clients import http
from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.faults.site import count_keys, wait_until

MIB = 1024 * 1024
#: What views.stream sends at once.
PIECE_BYTES = 65_536


class Memory:
    """Watches the resident memory of processes; `grown` is by how much each one's peak exceeds
    what it had at first, in MB."""

    def __init__(self, *pids):
        self._processes = [psutil.Process(pid) for pid in pids]
        self._first = [self._of(process) for process in self._processes]
        self._peak = list(self._first)
        self._task = asyncio.create_task(self._watch())

    @staticmethod
    def _of(process):
        return process.memory_info().rss / 1e6

    async def _watch(self):
        while True:
            self.look()
            await asyncio.sleep(0.05)

    def look(self):
        """Take the present figures into account."""
        now = [self._of(process) for process in self._processes]
        self._peak = list(map(max, self._peak, now))

    @property
    def grown(self):
        return [peak - first for peak, first in zip(self._peak, self._first, strict=True)]

    @property
    def peak(self):
        return self._peak

    async def stop(self):
        """Watch no more."""
        self.look()
        self._task.cancel()
        await asyncio.wait([self._task])


def redis_pid(site):
    """The process id of the site's Redis."""
    with site.redis.client() as client:
        return client.info("server")["process_id"]


@scenario(20, hosts=("daphne", "uvicorn"), pieces=(1_600, 1_600))
async def the_server_dies_in_the_middle_of_a_response(site, numbers):
    """100 MB are under way; the only worker must be free for others soon."""
    await site.start(workers=1)
    exchange = await http.begin(site.address, f"/stream/{numbers.pieces}/0")
    await exchange.read_head()
    parts = exchange.parts()
    received = 0
    while received < 8 * MIB:
        received += len(await anext(parts))
    await parts.aclose()
    await asyncio.sleep(1)  # nothing is read meanwhile: everything on the way fills up
    await site.call(site.split.servers[0].kill)
    begun = time.monotonic()
    site.layer.send("jobs", {"n": 1})
    await site.ledger.wait_for(1, "job done", limit_s=90)
    exchange.vanish()
    result = Result()
    result.note(f"{received / 1e6:.0f} MB read when the server was killed")
    result.at_most("the worker is free after", time.monotonic() - begun, 10.0, "s")
    return result


@scenario(20, hosts=("daphne", "uvicorn"), pieces=(1_600, 1_600))
async def the_client_leaves_in_the_middle_of_a_response(site, numbers):
    await site.start(workers=1)
    exchange = await http.begin(site.address, f"/stream/{numbers.pieces}/0")
    await exchange.read_head()
    await asyncio.sleep(0.5)
    exchange.vanish()
    begun = time.monotonic()
    site.layer.send("jobs", {"n": 1})
    await site.ledger.wait_for(1, "job done", limit_s=90)
    result = Result()
    result.at_most("the worker is free after", time.monotonic() - begun, 10.0, "s")
    return result


@scenario(21, hosts=("daphne", "uvicorn"), megabytes=(48, 1_024), rate_mb_s=(24, 40))
async def a_long_stream_to_a_slow_client(site, numbers):
    await site.start(workers=1)
    pieces = numbers.megabytes * MIB // PIECE_BYTES
    await site.fetch("/stream/16/0")  # what the first response takes is no growth
    memory = Memory(site.split.workers[0].pid, site.split.servers[0].pid, redis_pid(site))
    exchange = await http.begin(site.address, f"/stream/{pieces}/0")
    await exchange.read_head()
    begun, received = time.monotonic(), 0
    async for part in exchange.parts():
        received += len(part)
        ahead_s = received / (numbers.rate_mb_s * MIB) - (time.monotonic() - begun)
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
    await exchange.close()
    await memory.stop()
    worker, server, redis = memory.grown
    result = Result()
    result.equal("bytes", received, numbers.megabytes * MIB)
    result.at_most("worker memory grew by", worker, 20.0, "MB")
    result.note(f"the server's by {server:.0f} MB, Redis' by {redis:.0f} MB")
    return result


@scenario(22, hosts=("daphne", "uvicorn"), timeout_s=(1, 5), stream_s=(4, 30))
async def a_stream_that_outlasts_the_timeout(site, numbers):
    await site.start(f"--http-timeout={numbers.timeout_s}", workers=1)
    pieces = numbers.stream_s * 2
    response = await site.fetch(f"/stream/{pieces}/500", limit_s=numbers.stream_s + 20)
    late = asyncio.ensure_future(site.fetch(f"/wait/{numbers.timeout_s * 2000}"))
    result = Result()
    result.true(f"status {response.status}", response.status == 200)
    result.equal("bytes", len(response.body), pieces * PIECE_BYTES)
    result.at_least("took", response.seconds, numbers.stream_s * 0.9, "s")
    answer = await late
    result.true(f"a response that does not begin in time: {answer.status}", answer.status == 503)
    return result


@scenario(23, hosts=("daphne", "uvicorn"), megabytes=(48, 1_024))
async def a_large_upload(site, numbers):
    await site.start(workers=1)
    memory = Memory(site.split.servers[0].pid, redis_pid(site), site.split.workers[0].pid)
    size = numbers.megabytes * MIB
    headers = [("Content-Length", str(size))]
    exchange = await http.begin(site.address, "/upload", method="POST", headers=headers)
    piece = bytes(MIB)
    for _ in range(numbers.megabytes):
        await exchange.send(piece)
    await exchange.read_head()
    body = b"".join([part async for part in exchange.parts()])
    await exchange.close()
    await memory.stop()
    server, redis, worker = memory.peak
    result = Result()
    result.true(f"status {exchange.status}", exchange.status == 200)
    result.equal("bytes seen by the view", json.loads(body)["size"], size)
    result.at_most("server", server, 100.0, "MB")
    result.at_most("Redis", redis, 50.0, "MB")
    result.note(f"worker {worker:.0f} MB")
    return result


@scenario(23, hosts=("daphne", "uvicorn"), megabytes=(20, 1_024))
async def an_upload_over_the_limit(site, numbers):
    """The client waits for the answer after the first piece, as a browser would go on sending."""
    await site.start(f"--max-body-bytes={10 * MIB}", workers=1)
    headers = [("Content-Length", str(numbers.megabytes * MIB))]
    exchange = await http.begin(site.address, "/upload", method="POST", headers=headers)
    await exchange.send(bytes(1000))
    begun = time.monotonic()
    status = await asyncio.wait_for(exchange.read_head(), 10)
    took_s = time.monotonic() - begun
    exchange.vanish()
    result = Result()
    result.true(f"status {status}, after 1,000 bytes of {numbers.megabytes} MiB", status == 413)
    result.at_most("answered after", took_s, 1.0, "s")
    await asyncio.sleep(0.2)
    result.equal("views run", site.ledger.count("upload started"), 0)
    return result


@scenario(24, requests=(500, 10_000), at_once=(20, 50))
async def requests_leave_nothing_in_redis(site, numbers):
    await site.start(workers=2)
    await site.fetch("/")
    with site.redis.client() as client:
        before = await count_keys(client)
        gate = asyncio.Semaphore(numbers.at_once)

        async def visit():
            async with gate:
                return (await site.fetch("/")).status

        statuses = await asyncio.gather(*(visit() for _ in range(numbers.requests)))
        gone_s = await wait_until(lambda: client.dbsize() <= before, limit_s=10)
        result = Result()
        result.equal("answered with 200", statuses.count(200), numbers.requests)
        result.equal("keys more", max(0, client.dbsize() - before), 0)
    result.at_most("back where it was after", gone_s if gone_s is not None else 10.0, 2.0, "s")
    return result
