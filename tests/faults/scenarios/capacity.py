"""Queues that are full, messages that grow old, and those who come when nothing more fits."""

import asyncio
import itertools
import re
import time

from channels.layers.drops import EVERY_S
from tests.faults.clients.web_socket import Refused
from tests.faults.result import Result, percentile
from tests.faults.scenario import scenario
from tests.faults.site import wait_until


@scenario(5, waiting=(2_000, 20_000), sockets=(10, 10))
async def a_backlog_for_a_server_that_takes_nothing(site, numbers):
    """The server stands still with its reply queue full, and every job sends it something."""
    site.configure(layer={"channel_capacity": {"replying": numbers.waiting + 100}})
    await site.start(workers=2)
    await site.open_sockets(numbers.sockets, "/echo")
    names = site.ledger.values("socket", "connect")
    site.split.servers[0].pause()
    _fill(site.layer, names[0])
    for number in range(numbers.waiting):
        site.layer.send("replying", {"n": number, "to": names[number % len(names)]})
    backlog = [numbers.waiting]
    begun = time.monotonic()
    while backlog[-1] and time.monotonic() - begun < 60:
        await asyncio.sleep(1)
        backlog.append(site.layer.channel_statistics("replying")["messages_pending"])
    still = [a == b for a, b in zip(backlog, backlog[1:], strict=False)]
    result = Result()
    result.note(f"waiting, second by second: {', '.join(map(str, backlog))}")
    # The first reply waits until its server counts as silent, or as too slow; the rest don't.
    result.at_most("seconds in which it stood still", sum(still), 12)
    stretches = [is_still for is_still, _ in itertools.groupby(still)].count(True)
    result.at_most("times that it stood still", stretches, 1)
    result.equal("jobs run", site.ledger.count("replied"), numbers.waiting)
    result.equal("workers running", sum(w.is_running for w in site.split.workers), 2)
    return result


def _fill(layer, channel):
    try:
        while True:
            layer.send(channel, {"text": "x"})
    except layer.ChannelFull:
        return


@scenario(6, expiry_s=(1, 60), queued=(50, 50))
async def workers_are_away_for_longer_than_the_expiry(site, numbers):
    """What waits on `brief` outlives its own expiry; what waits on `jobs` has hardly waited."""
    site.configure(layer={"channel_expiry": {"brief": numbers.expiry_s}})
    for number in range(numbers.queued):
        site.layer.send("brief", {"n": number})
    await asyncio.sleep(numbers.expiry_s + 0.5)
    for number in range(numbers.queued):
        site.layer.send("jobs", {"n": number})
    worker = await site.start_worker()
    result = Result()
    run = await site.ledger.wait_for(numbers.queued, "job done", channel="jobs", limit_s=30)
    result.equal("run of those within their expiry", run, numbers.queued)
    result.equal("run of those beyond it", site.ledger.count("job done", channel="brief"), 0)
    counted = site.layer.channel_statistics("brief")["expired_count"]
    result.equal("counted as expired", counted, numbers.queued)
    # What expires in several reads is told at once, and summed up when the log may speak again.
    await wait_until(lambda: _logged_as_expired(worker) >= counted, limit_s=2 * EVERY_S)
    result.equal("logged as expired", _logged_as_expired(worker), numbers.queued)
    return result


def _logged_as_expired(worker):
    told = re.findall(r"(\d+) message\(s\) on brief expired", worker.log)
    summed_up = re.findall(r"(\d+) more message\(s\) on brief were lost: expired", worker.log)
    return sum(map(int, told + summed_up))


@scenario(7, jobs=(10, 10), job_s=(4, 60), visits=(100, 1_000))
async def slow_jobs_have_workers_of_their_own(site, numbers):
    await site.start_server()
    await site.start_workers(1, "--only-channels=slow")
    await site.start_workers(1, "--exclude-channels=slow")
    for number in range(numbers.jobs):
        site.layer.send("slow", {"n": number, "sleep_ms": numbers.job_s * 1000})
    await site.ledger.wait_for(1, "job started")
    answers = []
    for _ in range(numbers.visits):
        answers.append(await site.fetch("/"))
        await asyncio.sleep(0.02)
    result = Result()
    result.equal("answered with 200", sum(a.status == 200 for a in answers), numbers.visits)
    p99_ms = percentile([answer.seconds for answer in answers], 0.99) * 1000
    result.at_most("p99 of http.request", p99_ms, 200, "ms")
    running = site.ledger.count("job started") - site.ledger.count("job done")
    result.equal("slow jobs that ran all the while", running, 1)
    for worker in site.split.workers:
        await site.call(worker.kill)
    return result


@scenario(11, clients=(50, 50), every_s=(0.2, 2.0), seconds=(6, 600))
async def default_capacity_under_a_light_load(site, numbers):
    """50 clients that ask from time to time, over HTTP and over a socket each."""
    await site.start(workers=2)
    sockets = await site.open_sockets(numbers.clients, "/echo")
    end = time.monotonic() + numbers.seconds
    answers = await asyncio.gather(*(_ping(site, s, numbers.every_s, end) for s in sockets))
    statuses = [status for one in answers for status in one]
    result = Result()
    result.equal("answered with 200", statuses.count(200), len(statuses))
    result.equal("sockets still open", sum(s.is_open for s in sockets), numbers.clients)
    return result


async def _ping(site, socket, every_s, end):
    """Ask over HTTP and over the socket until `end`; return the statuses."""
    statuses = []
    while time.monotonic() < end:
        heard = len(socket.texts)
        socket.send("ping")
        statuses.append((await site.fetch("/")).status)
        statuses.append(200 if await socket.wait_for_texts(heard + 1, 10) > heard else "silence")
        await asyncio.sleep(every_s)
    return statuses


#: What finds room while a worker with one thread stands still: the default capacity of a channel,
#: and the one message that Redis hands to the thread, which was waiting for it.
FITS = 100 + 1


async def _start_and_pause_worker(site):
    await site.start(workers=1)
    await site.fetch("/")  # which shows that the worker waits for messages, or will in a moment
    await asyncio.sleep(0.1)
    site.split.workers[0].pause()


@scenario(11, hosts=("daphne", "uvicorn"), requests=(150, 1_000))
async def more_requests_than_fit(site, numbers):
    """Nobody works: as many wait as the channel holds, the others are told at once."""
    await _start_and_pause_worker(site)
    asked = [asyncio.ensure_future(site.fetch("/")) for _ in range(numbers.requests)]
    excess = numbers.requests - FITS
    await wait_until(lambda: sum(task.done() for task in asked) >= excess, limit_s=20)
    refused = [task.result() for task in asked if task.done()]
    site.split.workers[0].resume()
    answers = await asyncio.gather(*asked)
    result = Result()
    told = [answer for answer in refused if answer.status == 503]
    result.equal(
        "refused with 503 and Retry-After",
        sum("retry-after" in answer.headers for answer in told),
        excess,
    )
    result.at_most("slowest refusal", max(answer.seconds for answer in refused), 5.0, "s")
    answered = sum(answer.status == 200 for answer in answers)
    result.equal("answered once somebody works", answered, FITS)
    return result


@scenario(41, hosts=("daphne", "uvicorn"), sockets=(150, 500))
async def more_sockets_than_fit(site, numbers):
    """`websocket.connect` is full: no socket opens that no consumer has heard of."""
    await _start_and_pause_worker(site)
    asked = [asyncio.ensure_future(_try_to_open(site, "/echo")) for _ in range(numbers.sockets)]
    excess = numbers.sockets - FITS
    await wait_until(lambda: sum(task.done() for task in asked) >= excess, limit_s=10)
    early = [task.result() for task in asked if task.done()]
    site.split.workers[0].resume()
    outcomes = await asyncio.gather(*asked)
    result = Result()
    result.equal("refused with 503 at once", early.count(503), excess)
    result.equal("opened once somebody works", outcomes.count("open"), FITS)
    heard_of = await site.ledger.wait_for(FITS, "connect")
    result.equal("that a consumer has heard of", heard_of, FITS)
    for socket in site.sockets:
        socket.leave()
    await site.ledger.wait_for(FITS, "disconnect")
    gone = set(site.ledger.values("socket", "disconnect"))
    result.equal("and whose disconnect has run", len(gone), FITS)
    return result


async def _try_to_open(site, path):
    """Return "open", the status of the refusal, or the name of what went wrong."""
    try:
        await site.open_socket(path)
    except Refused as refusal:
        return refusal.status
    except (OSError, asyncio.TimeoutError) as error:
        return type(error).__name__
    return "open"


@scenario(10, hosts=("daphne", "uvicorn"), sockets=(300, 2_000), within_s=(1.5, 10.0))
async def a_storm_of_connections(site, numbers):
    """Those who get 503 come again after what Retry-After says."""
    await site.start(workers=2)
    begun = time.monotonic()
    coming = []
    for number in range(numbers.sockets):
        coming.append(asyncio.ensure_future(_come_until_open(site)))
        await asyncio.sleep(
            begun + (number + 1) * numbers.within_s / numbers.sockets - time.monotonic()
        )
    visits = await asyncio.gather(*coming)
    took_s = time.monotonic() - begun
    result = Result()
    result.equal("open", sum(socket.is_open for socket in site.sockets), numbers.sockets)
    result.at_most("all open after", took_s, 30.0, "s")
    refusals = [outcome for one in visits for outcome in one if outcome != "open"]
    result.equal("refused with 503, and opened later", refusals.count(503), len(refusals))
    return result


async def _come_until_open(site, limit_s=30.0):
    """Try until the socket is open; return the outcomes of all tries."""
    outcomes, deadline = [], time.monotonic() + limit_s
    while not outcomes or (outcomes[-1] != "open" and time.monotonic() < deadline):
        if outcomes:
            await asyncio.sleep(2)
        outcomes.append(await _try_to_open(site, "/echo"))
    return outcomes


@scenario(9, hosts=("daphne", "uvicorn"), connect_ms=(3_000, 8_000), sockets=(50, 500))
async def slow_handshakes(site, numbers):
    """A connect consumer that takes long, then one that takes little, for many at 50 a second."""
    await site.start("--websocket-connect-timeout=20", workers=2, threads=4)
    begun = time.monotonic()
    slow = await site.open_socket(f"/slow/{numbers.connect_ms}")
    took_s = time.monotonic() - begun
    opening = []
    for _ in range(numbers.sockets):
        opening.append(asyncio.ensure_future(_try_to_open(site, "/slow/10")))
        await asyncio.sleep(0.02)
    outcomes = await asyncio.gather(*opening)
    result = Result()
    result.true(f"opened by a consumer of {took_s:.1f} s", slow.is_open)
    result.equal("opened at 50 a second", outcomes.count("open"), numbers.sockets)
    return result


@scenario(17, sockets=(40, 1_000), connect_ms=(500, 2_000), threads=(20, 50))
async def clients_that_talk_before_they_are_accepted(site, numbers):
    """Their frames come while `connect` runs; no consumer gets one before that is done."""
    await site.start(workers=2, threads=numbers.threads)
    path = f"/slow/{numbers.connect_ms}"
    sockets = await site.open_sockets(
        numbers.sockets,
        path,
        at_once=2 * numbers.threads,
        early=["first", "second"],
        early_s=numbers.connect_ms / 2_000,
    )
    received = await site.ledger.wait_for(2 * len(sockets), "receive", limit_s=20)
    connected, early = set(), 0
    for record in site.ledger.records():
        if record["event"] == "connect":
            connected.add(record["socket"])
        elif record["event"] == "receive" and record["socket"] not in connected:
            early += 1
    result = Result()
    result.equal("frames received", received, 2 * numbers.sockets)
    result.at_most("received before connect was done", early, 0)
    return result


def count_waiting(site):
    return site.layer.channel_statistics("counted")["messages_pending"]


@scenario(40, due=(300, 1_000), capacity=(100, 100))
async def many_delayed_messages_are_due_at_once(site, numbers):
    """Onto a channel that holds fewer; and one of them can't be read."""
    site.configure(layer={"channel_capacity": {"asgi.delay": 2_000}})
    await site.call(site.split.manage, "migrate", "-v0")
    server = site.split.start_command(site.split.python, "manage.py", "rundelay", name="rundelay")
    await site.call(server.wait_for_log, "Listening on")
    due_at = time.time() + 0.02 * numbers.due
    for number in range(numbers.due):
        delay_ms = max(1, int((due_at - time.time()) * 1000))
        message = {"channel": "counted", "content": {"n": number}, "delay": delay_ms}
        site.layer.send("asgi.delay", message)
    site.layer.send("asgi.delay", {"channel": "counted", "delay": "soon"})
    await wait_until(lambda: count_waiting(site) >= numbers.capacity, limit_s=120)
    await asyncio.sleep(1)
    waiting = count_waiting(site)
    await site.start_worker()
    await site.ledger.wait_for(numbers.due, "job", limit_s=60)
    await asyncio.sleep(0.5)
    result = Result()
    result.equal("waiting in the full channel", waiting, numbers.capacity)
    result.equal("delivered", len(set(site.ledger.values("n", "job"))), numbers.due)
    result.equal("deliveries", site.ledger.count("job"), numbers.due)
    logged = re.findall(r"Invalid message received on asgi.delay", server.log)
    result.true(f"malformed ones logged: {len(logged)}", len(logged) == 1)
    result.true("the delay server lives", server.is_running)
    return result
