"""Redis goes away, comes back, comes back empty, stands still, or cuts connections."""

import asyncio
import collections
import contextlib
import functools
import itertools
import time

from channels.exceptions import LayerUnavailable
from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.faults.site import wait_until
from tests.processes import RedisServer


class Visitor:
    """Asks for the front page all the time, whatever becomes of the last request, and notes each
    answer: (time, status, seconds)."""

    def __init__(self, site, every_s=0.05):
        self._site, self._every_s = site, every_s
        self.answers = []
        self._pending = {}
        self._task = asyncio.create_task(self._visit())

    async def _visit(self):
        while True:
            task = asyncio.create_task(self._ask(time.monotonic()))
            self._pending[task] = time.monotonic()
            task.add_done_callback(self._pending.pop)
            await asyncio.sleep(self._every_s)

    async def _ask(self, begun):
        try:
            status = (await self._site.fetch("/")).status
        except (OSError, asyncio.TimeoutError) as error:
            status = type(error).__name__
        self.answers.append((begun, status, time.monotonic() - begun))

    def between(self, begin, end):
        """The (status, seconds) of what was asked between two times."""
        return [(status, took) for at, status, took in self.answers if begin <= at < end]

    async def stop(self, patience_s=2.0):
        """Ask no more; what is not answered after `patience_s` has the status "silence"."""
        self._task.cancel()
        await asyncio.wait([self._task, *self._pending], timeout=patience_s)
        for task, begun in list(self._pending.items()):
            self.answers.append((begun, "silence", time.monotonic() - begun))
            task.cancel()
        if self._pending:
            await asyncio.wait(list(self._pending))


@scenario(3, hosts=("daphne", "uvicorn"), sockets=(50, 200), down_s=(2, 10))
async def redis_comes_back_empty(site, numbers):
    await site.start(workers=2)
    sockets = await site.open_sockets(numbers.sockets, "/group")
    visitor = Visitor(site)
    await asyncio.sleep(0.5)
    await site.call(site.redis.stop)
    await site.call(site.redis.wipe)
    down_at = time.monotonic()
    await asyncio.sleep(numbers.down_s)
    await site.call(site.redis.start)
    up_at = time.monotonic()
    closed_s = await wait_until(lambda: not any(s.is_open for s in sockets), limit_s=30)
    await asyncio.sleep(max(0.0, up_at + 5 - time.monotonic()))
    result = Result()
    result.equal("sockets closed", sum(not socket.is_open for socket in sockets), len(sockets))
    codes = {socket.close_code for socket in sockets}
    result.true(f"close codes: {codes}", codes == {1012})
    result.at_most("after its return", closed_s or 30.0, 5.0, "s")
    meanwhile = visitor.between(down_at + 0.1, up_at)
    result.true(
        f"HTTP meanwhile: {sorted({status for status, _ in meanwhile}, key=str)}",
        {status for status, _ in meanwhile} == {503},
    )
    result.at_most("slowest of these", max(took for _, took in meanwhile), 1.0, "s")
    await _check_well(site, visitor, result)
    return result


async def _check_well(site, visitor, result):
    """Promise that HTTP, new sockets and groups work again."""
    begun = time.monotonic()
    again = await site.open_sockets(10, "/group")
    again[0].send("hello")
    heard = [await socket.wait_for_texts(1, limit_s=5) for socket in again]
    await asyncio.sleep(0.5)
    await visitor.stop()
    statuses = {status for status, _ in visitor.between(begun, time.monotonic())}
    result.true(
        f"5 s after: HTTP {statuses}, sockets and groups work",
        statuses == {200} and sum(heard) == 10,
    )


@scenario(3, sockets=(50, 200), down_s=(2, 10))
async def redis_comes_back_with_its_data(site, numbers):
    """Open sockets go on, and stay in their groups."""
    await site.start(workers=2)
    sockets = await site.open_sockets(numbers.sockets, "/group")
    await site.call(site.redis.kill)
    await asyncio.sleep(numbers.down_s)
    await site.call(site.redis.start)
    await asyncio.sleep(2)
    sockets[0].send("hello")
    heard = await asyncio.gather(*(socket.wait_for_texts(1, limit_s=5) for socket in sockets))
    result = Result()
    result.equal("sockets still open", sum(s.is_open for s in sockets), numbers.sockets)
    result.equal("that hear the next broadcast", sum(heard), numbers.sockets)
    return result


@scenario(3, sockets=(50, 200), wait_s=(0, 10))
async def redis_comes_back_with_older_data(site, numbers):
    """As after a crash, or a failover to a replica that lagged behind: no socket stays open that
    has been forgotten by its groups."""
    await site.start(workers=2)
    early = await site.open_sockets(numbers.sockets // 2, "/group")
    await site.call(site.redis.keep_copy)
    late = await site.open_sockets(numbers.sockets // 2, "/group")
    await asyncio.sleep(numbers.wait_s)
    await site.call(site.redis.restart_with_copy)
    closed_s = await wait_until(lambda: not any(s.is_open for s in late), limit_s=30)
    again = await site.open_sockets(1, "/group")
    again[0].send("hello")
    left = [socket for socket in early if socket.is_open]
    heard = await asyncio.gather(*(s.wait_for_texts(1, limit_s=5) for s in left + again))
    closed = [socket for socket in early + late if not socket.is_open]
    result = Result()
    result.at_most("sockets that it does not know of are closed after", closed_s or 30.0, 5.0, "s")
    result.true(
        f"close codes: { ({s.close_code for s in closed}) }",
        {s.close_code for s in closed} == {1012},
    )
    result.equal(
        f"sockets, of {len(left)} open ones, that hear the next broadcast",
        sum(heard[: len(left)]),
        len(left),
    )
    result.true("new ones too", heard[-1])
    return result


@scenario(3, sockets=(50, 200))
async def another_redis_takes_over_behind_the_same_address(site, numbers):
    """Its replica does. The old one is made a replica, and keeps the connections that it has."""
    successor = site.enter(await site.call(RedisServer().__enter__))
    proxy = await site.start_proxy(("127.0.0.1", site.redis.port))
    site.configure(layer={"hosts": [proxy.address]})
    with successor.client() as new, site.redis.client() as old:
        new.replicaof("127.0.0.1", site.redis.port)
        await site.start(workers=2)
        sockets = await site.open_sockets(numbers.sockets, "/group")
        await wait_until(lambda: _has_all_of(new, old))
        visitor = Visitor(site)
        await asyncio.sleep(0.5)
        new.replicaof("NO", "ONE")
        proxy.target = ("127.0.0.1", successor.port)
        old.replicaof("127.0.0.1", successor.port)
        changed_at = time.monotonic()
        await asyncio.sleep(5)
    sockets[0].send("hello")
    heard = await asyncio.gather(*(socket.wait_for_texts(1, limit_s=5) for socket in sockets))
    result = Result()
    await _check_well(site, visitor, result)
    bad = [at for at, status, _ in visitor.answers if at > changed_at and status != 200]
    result.at_most("HTTP works again after", max(bad, default=changed_at) - changed_at, 5.0, "s")
    result.equal("sockets still open", sum(s.is_open for s in sockets), numbers.sockets)
    result.equal("that hear the next broadcast", sum(heard), numbers.sockets)
    return result


def _has_all_of(replica, master):
    """Whether a replica has all that its master has written."""
    facts = replica.info("replication")
    is_up = facts.get("master_link_status") == "up"
    offset = master.info("replication")["master_repl_offset"]
    return is_up and facts["slave_repl_offset"] == offset


@scenario(3, sockets=(50, 200), pause_s=(3, 10))
async def redis_stands_still(site, numbers):
    """It is there, and does not answer: what is asked gets 503, late but for sure."""
    await site.start(workers=2)
    sockets = await site.open_sockets(numbers.sockets, "/group")
    site.redis.pause()
    asked = [asyncio.ensure_future(site.fetch("/", limit_s=60)) for _ in range(20)]
    await asyncio.sleep(numbers.pause_s)
    site.redis.resume()
    answers = await asyncio.gather(*asked)
    sockets[0].send("hello")
    heard = await asyncio.gather(*(socket.wait_for_texts(1, limit_s=10) for socket in sockets))
    result = Result()
    result.true(
        f"HTTP meanwhile: {sorted({answer.status for answer in answers})}",
        {answer.status for answer in answers} <= {200, 503},
    )
    result.at_most("slowest answer", max(a.seconds for a in answers), numbers.pause_s + 2.0, "s")
    result.equal("sockets that hear a broadcast afterwards", sum(heard), numbers.sockets)
    return result


@scenario(4, kills=(5, 20), workers=(2, 2), threads=(4, 4))
async def connections_are_killed(site, numbers):
    await site.start(workers=numbers.workers, threads=numbers.threads)
    with site.redis.client() as client:
        for _ in range(numbers.kills):
            client.client_kill_filter(_type="normal", skipme=True)
            await asyncio.sleep(0.3)
    count = numbers.workers * numbers.threads
    for number in range(count):
        site.layer.send("jobs", {"n": number, "sleep_ms": 1_500})
    await site.ledger.wait_for(count, "job done")
    at_work = {(job["pid"], job["thread"]) for job in site.ledger.records("job done")}
    result = Result()
    result.note(f"{numbers.kills} times all connections killed")
    result.equal("threads that consume", len(at_work), count)
    result.equal("workers running", sum(w.is_running for w in site.split.workers), numbers.workers)
    result.equal("the site answers", (await site.fetch("/")).status, 200)
    return result


@scenario(49, hosts=("daphne", "uvicorn"), talking=(10, 60), silent=(5, 60), crashes=(1, 10))
async def redis_loses_its_last_moments(site, numbers):
    """It crashes, and comes back with what it knew half a second before."""
    await site.start(workers=2)
    silent = await site.open_sockets(numbers.silent, "/ordered")
    sent, sending = [], asyncio.Event()
    jobs = asyncio.ensure_future(_send_jobs(site, sent, sending))
    result, longest_s = Result(), 0.0
    for _ in range(numbers.crashes):
        talking = await site.open_sockets(numbers.talking, "/ordered")
        talks = [asyncio.ensure_future(_talk_on(socket)) for socket in talking]
        await asyncio.sleep(2)
        await site.call(site.redis.keep_copy)
        await asyncio.sleep(0.5)
        await site.call(site.redis.restart_with_copy)
        begun = time.monotonic()
        said = [socket.sent for socket in talking]
        await wait_until(functools.partial(_are_well, talking, said), limit_s=40)
        longest_s = max(longest_s, time.monotonic() - begun)
        for talk in talks:
            talk.cancel()
        closed = [socket.close_code for socket in talking if not socket.is_open]
        result.note(f"{len(closed)} of {numbers.talking} closed")
        result.true(f"closed with {set(closed)}", set(closed) <= {1012})
        on = [socket for socket in talking if socket.is_open]
        in_order = [_counts_up(socket.texts) for socket in on]
        result.equal("others answered once and in order", sum(in_order), len(on))
        for socket in on:
            socket.leave()
        await asyncio.sleep(2)
    sending.set()
    await jobs
    await _check_jobs(site, sent, result)
    result.at_most("until each went on or was closed", longest_s, 2.0, "s")
    for socket in silent:
        socket.send('{"n": 0}')
        await socket.wait_for_texts(1)
    result.equal("silent sockets that go on", sum(len(s.texts) for s in silent), numbers.silent)
    result.true("told", "Redis has lost its last moments" in site.split.logs)
    return result


async def _send_jobs(site, sent, is_over):
    """Twenty a second, until `is_over`."""
    for number in itertools.count():
        if is_over.is_set():
            return
        with contextlib.suppress(LayerUnavailable):
            await site.call(site.layer.send, "jobs", {"n": number, "sleep_ms": 1})
            sent.append(number)
        await asyncio.sleep(0.05)


async def _check_jobs(site, sent, result):
    """What ran twice was taken in moments that Redis has lost, and is counted."""

    def runs():
        return collections.Counter(site.ledger.values("n", "job done"))

    await wait_until(lambda: len(runs()) >= 0.9 * len(sent), limit_s=10)
    await asyncio.sleep(2.5)  # in which workers look for the mark
    twice = sum(count - 1 for count in runs().values())
    lost = len(set(sent) - set(runs()))
    doubtful = site.layer.channel_statistics("jobs")["doubtful_count"]
    result.note(f"{len(sent)} jobs; lost: {lost}")
    result.at_least("jobs counted as in doubt, by those run twice", doubtful, twice)


async def _talk_on(socket):
    socket.sent = 0
    while socket.is_open:
        socket.send(f'{{"n": {socket.sent}}}')
        socket.sent += 1
        await asyncio.sleep(0.1)


def _are_well(sockets, said):
    """Whether each is closed, or has an answer to something that it said after its first `said`."""
    return all(
        not one.is_open or any(int(text) >= count for text in one.texts[-20:])
        for one, count in zip(sockets, said, strict=True)
    )


def _counts_up(texts):
    return [int(text) for text in texts] == list(range(len(texts)))
