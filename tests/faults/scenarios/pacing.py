"""An ordinary bad moment: something stands still, or is slow, and goes on. It closes nobody."""

import asyncio
import json
import time

from tests.faults.clients import http
from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.faults.site import wait_until
from tests.processes import RedisServer

BOTH = ("daphne", "uvicorn")


class Talkers:
    """Sockets that send numbered frames all the time; each is answered in order by its consumer."""

    def __init__(self, sockets, every_s=0.2):
        self.sockets = sockets
        self.sent = [0] * len(sockets)
        self._every_s = every_s
        self._is_ending = False
        self._tasks = [asyncio.create_task(self._talk(place)) for place in range(len(sockets))]

    async def _talk(self, place):
        socket = self.sockets[place]
        await asyncio.sleep(self._every_s * place / len(self.sockets))
        while socket.is_open and not self._is_ending:
            self.sent[place] += 1
            socket.send(json.dumps({"n": self.sent[place]}))
            await asyncio.sleep(self._every_s)

    async def end(self, result, limit_s=30.0, ledger=None, *, unanswered=0):
        """Let everything arrive; promise that each frame was answered once, in its order, but for
        so many without an answer; or, with a ledger, that each was consumed so: an answer may get
        lost with a connection."""
        self._is_ending = True
        await asyncio.gather(*self._tasks)
        begun = time.monotonic()
        for socket, sent in zip(self.sockets, self.sent, strict=True):
            await socket.wait_for_texts(sent, max(0.0, begun + limit_s - time.monotonic()))
        await asyncio.sleep(0.3)
        still = sum(socket.is_open for socket in self.sockets)
        codes = {socket.close_code for socket in self.sockets if not socket.is_open}
        result.equal(f"sockets that go on {codes or ''}".strip(), still, len(self.sockets))
        if ledger is not None:
            await self._check_consumed(result, ledger)
            return
        answered = [list(map(int, socket.texts)) for socket in self.sockets]
        once = [len(set(numbers)) == len(numbers) for numbers in answered]
        in_order = [numbers == sorted(numbers) for numbers in answered]
        result.equal("with no answer twice", sum(once), len(self.sockets))
        result.equal("and in order", sum(in_order), len(self.sockets))
        missing = sum(self.sent) - sum(len(set(numbers)) for numbers in answered)
        result.at_most("frames without an answer", missing, unanswered)
        result.note(f"frames: {sum(self.sent)}")

    async def _check_consumed(self, result, ledger):
        await ledger.wait_for(sum(self.sent), "ended")
        consumed = {}
        for record in ledger.records("ended"):
            consumed.setdefault(record["socket"], []).append(record["n"])
        exact = [numbers == list(range(1, len(numbers) + 1)) for numbers in consumed.values()]
        result.equal("with every frame once, in order", sum(exact), len(self.sockets))
        result.equal("frames", sum(map(len, consumed.values())), sum(self.sent))


def _lost_answers(silent_s, threads=4):
    """How many answers a worker may lose that was silent for so long: 29 s after its latest sign of
    life, which may be 5 s old, it counts as dead. Its sockets go on without what its threads ran,
    whose answers would come behind later ones."""
    return threads if silent_s >= 24 else 0


async def _stand_still(process, seconds):
    process.pause()
    await asyncio.sleep(seconds)
    process.resume()


@scenario(46, hosts=BOTH, sockets=(60, 2_000), every_s=(0.2, 4), still_s=(6, 25))
async def redis_stands_still(site, numbers):
    """As in a fork for a snapshot, a slow command, a failover: it goes on with its data."""
    await site.start(workers=3, threads=4)
    sockets = await site.open_sockets(numbers.sockets, "/ordered")
    talkers = Talkers(sockets, numbers.every_s)
    await asyncio.sleep(2)
    await _stand_still(site.redis, numbers.still_s)
    await asyncio.sleep(2)
    result = Result()
    await talkers.end(result)
    return result


@scenario(
    46, hosts=BOTH, sockets=(40, 2_000), every_s=(0.2, 4), losing_s=(6, 20), latency_ms=(20, 20)
)
async def the_network_to_redis_loses_packets(site, numbers):
    """One packet in twenty is lost: TCP sends it again, up to a second later, and all that is
    behind it waits."""
    proxy = await site.start_proxy(("127.0.0.1", site.redis.port), delay_s=0.0)
    site.configure(layer={"hosts": [list(proxy.address)]})
    await site.start(workers=3, threads=4)
    talkers = Talkers(await site.open_sockets(numbers.sockets, "/ordered"), numbers.every_s)
    await asyncio.sleep(1)
    proxy.delay_s = numbers.latency_ms / 1000
    proxy.loss = 0.05
    await asyncio.sleep(numbers.losing_s)
    proxy.delay_s = proxy.loss = 0.0
    await asyncio.sleep(1)
    result = Result()
    await talkers.end(result)
    for process in [*site.split.servers, *site.split.workers]:
        await site.call(process.kill)
    return result


@scenario(46, hosts=BOTH, sockets=(40, 2_000), every_s=(0.05, 4), cuts=(5, 20))
async def the_servers_connections_to_redis_are_cut(site, numbers):
    """Each time some frames are on their way, of which nobody knows whether they arrived."""
    await site.start_workers(2, "--threads=4")
    proxy = await site.start_proxy(("127.0.0.1", site.redis.port))
    site.configure(layer={"hosts": [list(proxy.address)]})
    server = await site.start_server()
    talkers = Talkers(await site.open_sockets(numbers.sockets, "/ordered"), numbers.every_s)
    await asyncio.sleep(1)
    for _ in range(numbers.cuts):
        proxy.cut()
        await asyncio.sleep(1)
    result = Result()
    await talkers.end(result, limit_s=3.0, ledger=site.ledger)
    result.true("the server is still there", server.is_running)
    await site.call(server.kill)
    return result


@scenario(47, hosts=BOTH, sockets=(60, 200), still_s=(5, 5))
async def the_interface_server_stands_still(site, numbers):
    await site.start(workers=3, threads=4)
    talkers = Talkers(await site.open_sockets(numbers.sockets, "/ordered"))
    await asyncio.sleep(2)
    await _stand_still(site.split.servers[0], numbers.still_s)
    await asyncio.sleep(2)
    result = Result()
    await talkers.end(result)
    return result


@scenario(48, hosts=BOTH, sockets=(60, 60), still_s=(5, 90))
async def a_worker_stands_still(site, numbers):
    """One of three, with frames in its hands; the sockets of these wait for it."""
    await site.start(workers=3, threads=4)
    talkers = Talkers(await site.open_sockets(numbers.sockets, "/ordered"))
    await asyncio.sleep(2)
    await _stand_still(site.split.workers[0], numbers.still_s)
    await asyncio.sleep(1)
    result = Result()
    await talkers.end(result, unanswered=_lost_answers(numbers.still_s))
    return result


@scenario(48, hosts=BOTH, sockets=(40, 200), cut_off_s=(8, 28))
async def a_worker_is_cut_off_from_redis(site, numbers):
    """What Redis has just handed to its threads vanishes; the server sends it again."""
    server = await site.start_server()
    plain = site.layer
    proxy = await site.start_proxy(("127.0.0.1", site.redis.port))
    site.configure(layer={"hosts": [list(proxy.address)]})
    cut_off = await site.start_worker("--threads=4")
    site.configure()
    await site.start_workers(2, "--threads=4")
    address = "127.0.0.1", server.port
    talkers = Talkers(await site.open_sockets(numbers.sockets, "/ordered", address=address))
    await asyncio.sleep(2)
    proxy.freeze()
    await asyncio.sleep(numbers.cut_off_s)
    proxy.thaw()
    await asyncio.sleep(2)
    result = Result()
    await talkers.end(result, unanswered=_lost_answers(numbers.cut_off_s))
    result.true("frames were sent again", "they are sent again" in server.log)
    dropped = plain.channel_statistics("websocket.receive")["dropped_count"]
    result.note(f"copies that came too late, and were dropped: {dropped}")
    await site.call(cut_off.kill)
    return result


@scenario(48, hosts=BOTH, sockets=(20, 200), silent_s=(3, 3))
async def one_of_two_redis_hosts_is_silent_for_a_moment(site, numbers):
    """Each in turn; the sockets of its servers stay with it."""
    with RedisServer() as one, RedisServer() as other:
        proxies = [await site.start_proxy(("127.0.0.1", r.port)) for r in (one, other)]
        site.configure(layer={"hosts": [list(proxy.address) for proxy in proxies]})
        await site.start(workers=2, threads=4)
        sockets = await site.open_sockets(numbers.sockets, "/echo")
        result = Result()
        for number, proxy in enumerate(proxies, 1):
            proxy.freeze()
            await asyncio.sleep(numbers.silent_s)
            proxy.thaw()
            await asyncio.sleep(4)
            still = sum(socket.is_open for socket in sockets)
            result.equal(f"host {number} silent: sockets that go on", still, numbers.sockets)
            answers = [len(socket.texts) + 1 for socket in sockets]
            for socket in sockets:
                socket.send("again")
            came = [
                await s.wait_for_texts(n, 5) >= n for s, n in zip(sockets, answers, strict=True)
            ]
            result.equal(f"host {number} silent: they work", sum(came), numbers.sockets)
        for process in [*site.split.servers, *site.split.workers]:
            await site.call(process.kill)
    return result


@scenario(48, hosts=BOTH, sockets=(30, 200), away_s=(8, 25))
async def no_worker_is_there_for_a_while(site, numbers):
    """The channel is full long before they are back; nobody is closed, and then all goes out."""
    site.configure(layer={"channel_capacity": {"websocket.receive": 50}})
    await site.start(workers=1, threads=4)
    talkers = Talkers(await site.open_sockets(numbers.sockets, "/ordered"), every_s=0.1)
    await asyncio.sleep(1)
    await site.call(site.split.workers[0].stop)
    await asyncio.sleep(numbers.away_s)
    await site.start_workers(2, "--threads=4")
    result = Result()
    await talkers.end(result)
    return result


@scenario(48, hosts=("uvicorn",), patience_s=(2, 10))
async def who_has_waited_for_longer_than_the_patience_is_closed(site, numbers):
    site.configure(layer={"channel_capacity": {"websocket.receive": 2}})
    await site.start(f"--websocket-patience={numbers.patience_s}", workers=1)
    sockets = await site.open_sockets(3, "/echo")
    await site.call(site.split.workers[0].stop)
    begun = time.monotonic()
    for socket in sockets:
        socket.send("x")
    closed_s = await wait_until(lambda: any(not socket.is_open for socket in sockets))
    result = Result()
    result.true(f"one is closed ({closed_s})", closed_s is not None)
    result.at_least("after", time.monotonic() - begun, numbers.patience_s - 0.1, "s")
    codes = {socket.close_code for socket in sockets if not socket.is_open}
    result.true(f"close codes: {codes}", codes == {1013})
    return result


@scenario(50, hosts=BOTH, slow=(20, 100), rate=(20_000, 20_000), pieces=(32, 80), seconds=(8, 60))
async def clients_that_read_slowly(site, numbers):
    """They read a large response at some KB/s; four threads serve everybody."""
    await site.start(workers=1, threads=4)
    readers = [asyncio.create_task(_read_slowly(site, numbers)) for _ in range(numbers.slow)]
    await asyncio.sleep(1)
    times, statuses = [], set()
    ends_at = time.monotonic() + numbers.seconds
    while time.monotonic() < ends_at:
        response = await site.fetch("/")
        times.append(response.seconds)
        statuses.add(response.status)
        await asyncio.sleep(0.02)
    result = Result()
    result.true(f"statuses of others: {statuses}", statuses == {200})
    times.sort()
    # The slow clients' pages are made meanwhile: that is the work of a second or two.
    result.at_most("p99 of others", 1000 * times[int(len(times) * 0.99)], 200, "ms")
    still = sum(not reader.done() for reader in readers)
    result.equal("slow clients that still read", still, numbers.slow)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    return result


async def _read_slowly(site, numbers):
    exchange = await http.begin(site.address, f"/stream/{numbers.pieces}/0", buffer=8192)
    try:
        await exchange.read_on(numbers.rate)
    finally:
        exchange.vanish()


@scenario(51, hosts=BOTH, rounds=(3, 20))
async def a_response_that_is_longer_or_shorter_than_announced(site, numbers):
    """What is too much would be read by the client as its next response."""
    await site.start(workers=1)
    result = Result()
    for _ in range(numbers.rounds):
        for path, wanted in (("/announced/5/300000", 5), ("/announced/5/6/streamed", 5)):
            exchange = await http.begin(site.address, path)
            raw = await asyncio.wait_for(exchange.read_all(), 10)
            await exchange.close()
            head, _, rest = raw.partition(b"\r\n\r\n")
            fits = rest == b"x" * wanted or head.startswith(b"HTTP/1.1 500")
            result.true(f"{path}: {len(rest)} bytes after {head[:20]!r}", fits)
        response = await site.fetch("/announced/500000/6/streamed")
        result.true("one that is too short is broken off", not response.is_complete)
    return result


@scenario(52, hosts=BOTH, sockets=(10, 40), still_s=(50, 90))
async def an_interface_server_is_frozen_for_long(site, numbers):
    """Others take it for dead, and make up for its disconnects; then it goes on."""
    await site.start(workers=2)
    await site.open_sockets(numbers.sockets, "/echo")
    frozen = site.split.servers[0]
    await site.start_server()
    await asyncio.sleep(10)  # the other one has to know for a while who lives
    await _stand_still(frozen, numbers.still_s)
    await site.ledger.wait_for(numbers.sockets, "disconnect")
    await wait_until(lambda: not any(socket.is_open for socket in site.sockets))
    await asyncio.sleep(2)
    result = Result()
    result.equal("disconnects", site.ledger.count("disconnect"), numbers.sockets)
    codes = {socket.close_code for socket in site.sockets}
    result.true(f"close codes: {codes}", codes == {1012})
    return result


@scenario(58, hosts=BOTH, latency_ms=(20, 20), seconds=(4, 15), work_ms=(20, 20))
async def more_requests_than_can_be_served(site, numbers):
    """With 20 ms to Redis: half of what two workers can do, as much, twice and four times that."""
    proxy = await site.start_proxy(
        ("127.0.0.1", site.redis.port), delay_s=numbers.latency_ms / 2_000
    )
    site.configure(layer={"hosts": [list(proxy.address)]})
    await site.start(workers=2, threads=2)
    path = f"/wait/{numbers.work_ms}"
    capacity = await _find_capacity(site, path, numbers.seconds)
    result = Result()
    result.note(f"capacity: {capacity:.0f} requests/s")
    best = 0.0
    for load in (0.5, 1, 2, 4):
        answers = await _offer(site, path, load * capacity, numbers.seconds)
        good = [s for status, s, _ in answers if status == 200]
        refused = [s for status, s, retry in answers if status == 503 and retry]
        rate = len(good) / numbers.seconds
        best = max(best, rate)
        what = f"{load} times the load"
        result.note(
            f"{what}: {len(answers)} asked, {len(good)} served ({rate:.0f}/s, "
            f"slowest {max(good, default=0):.1f} s), {len(refused)} refused"
        )
        result.equal(
            f"{what}: served, or refused with Retry-After", len(good) + len(refused), len(answers)
        )
        result.at_most(f"{what}: slowest refusal", max(refused, default=0.0), 1.0, "s")
        result.at_least(f"{what}: goodput", rate, 0.8 * min(load * capacity, best), "/s")
    for process in [*site.split.servers, *site.split.workers]:
        await site.call(process.kill)
    return result


async def _find_capacity(site, path, seconds):
    """Requests a second that are served while sixteen clients ask one after another."""
    ends_at = time.monotonic() + seconds
    served = 0

    async def ask():
        nonlocal served
        while time.monotonic() < ends_at:
            response = await site.fetch(path)
            served += response.status == 200

    await asyncio.gather(*(ask() for _ in range(16)))
    return served / seconds


async def _offer(site, path, rate, seconds):
    """Ask `rate` times a second, whatever becomes of it: (status, seconds, Retry-After) of each."""
    answers = []

    async def ask():
        begun = time.monotonic()
        try:
            response = await site.fetch(path, limit_s=20)
            status, retry = response.status, response.headers.get("retry-after")
        except (OSError, asyncio.TimeoutError) as error:
            status, retry = type(error).__name__, None
        answers.append((status, time.monotonic() - begun, retry))

    tasks, begun = [], time.monotonic()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(ask()))
    await asyncio.gather(*tasks)
    return answers
