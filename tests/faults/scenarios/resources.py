"""What a site takes when it does nothing, and what it keeps when it has done much."""

import asyncio
import json
import sys
import time

import psutil

from tests.conftest import give_up
from tests.faults.result import Result, percentile
from tests.faults.scenario import scenario
from tests.faults.site import wait_until
from tests.processes import REPOSITORY, PostgresServer, find_postgres


@scenario(26, hosts=("daphne", "uvicorn"), seconds=(6, 60))
async def a_site_that_has_nothing_to_do(site, numbers):
    await site.start(workers=4)
    await site.open_sockets(10, "/echo")
    await asyncio.sleep(2)
    processes = [psutil.Process(p.pid) for p in site.split.servers + site.split.workers]
    before, begun = _cpu_s(processes), time.monotonic()
    asked = await site.call(_count_commands, site.redis, numbers.seconds)
    took_s = time.monotonic() - begun
    result = Result()
    result.at_most("CPU in all", 100 * (_cpu_s(processes) - before) / took_s, 1.0, "%")
    result.at_most("Redis commands a second, each", asked / took_s / len(processes), 2.0)
    return result


def _cpu_s(processes):
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _count_commands(redis_server, seconds):
    """Count what Redis is asked, without what its scripts ask inside of it."""
    count, end = 0, time.monotonic() + seconds
    with redis_server.client() as client, client.monitor() as monitor:
        while time.monotonic() < end:
            count += monitor.next_command()["client_type"] != "lua"
    return count


@scenario(27, hosts=("uvicorn", "daphne"), echoes=(300, 3_000))
async def an_echo_takes_little_time(site, numbers):
    """1.x took 10 to 50 ms. How this compares with others is what the benchmarks are for."""
    await site.start(workers=1)
    (socket,) = await site.open_sockets(1, "/echo")
    times_ms = []
    for number in range(numbers.echoes):
        begun = time.perf_counter()
        socket.send("hello")
        await socket.wait_for_texts(number + 1, limit_s=5)
        times_ms.append((time.perf_counter() - begun) * 1000)
    result = Result()
    result.at_most("echo p50", percentile(times_ms, 0.5), 10.0, "ms")
    result.note("in proportion to in process and to gunicorn: see the benchmarks")
    return result


@scenario(
    44,
    hosts=("daphne", "uvicorn"),
    requests=(2_000, 100_000),
    sockets=(500, 20_000),
    warm_ups=(2, 1),
)
async def memory_after_much_work(site, numbers):
    await site.start(workers=2)
    processes = [psutil.Process(p.pid) for p in site.split.servers + site.split.workers]
    for _ in range(numbers.warm_ups):
        await _work(site, numbers.requests, numbers.sockets)
    before = [process.memory_info().rss for process in processes]
    await _work(site, numbers.requests, numbers.sockets)
    after = [process.memory_info().rss for process in processes]
    result = Result()
    for name, first, last in zip(("server", "worker", "worker"), before, after, strict=True):
        growth = 100 * (last / first - 1)
        result.at_most(f"{name}: {last / 1e6:.0f} MB, grown by", growth, 10.0, "%")
    return result


async def _work(site, requests, sockets):
    """Make requests over a few connections, and open and close sockets."""
    done = 0
    while done < requests:
        done += await _run_load(site, min(5.0, max(0.5, (requests - done) / 2000)))
    gate = asyncio.Semaphore(25)

    async def visit():
        async with gate:
            socket = await site.open_socket("/group")
            socket.leave()
            await socket.wait_closed()
            site.sockets.remove(socket)

    before = site.ledger.count("disconnect")
    await asyncio.gather(*(visit() for _ in range(sockets)))
    await site.ledger.wait_for(before + sockets, "disconnect")


async def _run_load(site, seconds):
    """Run the benchmarks' load generator; return how many requests it made."""
    job = {
        "kind": "http",
        "port": site.address[1],
        "path": "/",
        "connections": 16,
        "warmup_s": 0,
        "seconds": seconds,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.load",
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(json.dumps(job).encode() + b"\n")
    outcome = json.loads(output)
    if outcome["errors"]:
        raise RuntimeError(f"the load met errors: {outcome['errors']}")
    return outcome["completed"]


async def _start_postgres(site, **settings):
    """Start a PostgreSQL and have the site use it, with more `settings` of DATABASES; return it."""
    if find_postgres() is None:
        give_up("no PostgreSQL: install it")
    postgres = site.enter(PostgresServer())
    await site.call(postgres.start)
    site.configure(DATABASES={"default": {**postgres.settings, **settings}})
    await site.call(site.split.manage, "migrate", "-v0")
    return postgres


@scenario(31, threads=(16, 16), rounds=(2, 20))
async def database_connections_of_many_threads(site, numbers):
    postgres = await _start_postgres(site, CONN_MAX_AGE=0)
    await site.start_worker(f"--threads={numbers.threads}")
    most = 0
    for number in range(numbers.rounds):
        for _ in range(numbers.threads):
            site.layer.send("querying", {"n": number, "sleep_ms": 300})
        await site.ledger.wait_for((number + 1) * numbers.threads, "queried")
        most = max(most, postgres.count_connections())
    await wait_until(lambda: not postgres.count_connections(), limit_s=5)
    result = Result()
    result.true(f"connections at work: {most}", most > numbers.threads / 2)
    result.equal("connections when idle", postgres.count_connections(), 0)
    return result


@scenario(31, threads=(16, 16), restarts=(2, 10))
async def the_database_is_restarted(site, numbers):
    """Connections are kept (CONN_MAX_AGE None) and break all at once; each thread may meet that
    once, and none does if Django looks first (CONN_HEALTH_CHECKS)."""
    result = Result()
    for checked in (False, True):
        postgres = await _start_postgres(site, CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=checked)
        worker = await site.start_worker(f"--threads={numbers.threads}")
        await _query_in_every_thread(site, numbers.threads)
        result.equal("connections kept", postgres.count_connections(), numbers.threads)
        errors, afterwards = [], []
        for _ in range(numbers.restarts):
            await site.call(postgres.restart)
            errors.append(await _query_in_every_thread(site, numbers.threads))
            afterwards.append(await _query_in_every_thread(site, numbers.threads))
        if checked:
            result.equal("errors with CONN_HEALTH_CHECKS", sum(errors), 0)
        else:
            result.note(f"{numbers.restarts} restarts")
            result.at_most("errors after each", max(errors), numbers.threads)
            result.true("every restart was met", min(errors) > 0)
        result.equal("errors later", sum(afterwards), 0)
        await site.call(worker.stop)
    return result


async def _query_in_every_thread(site, threads):
    """Have each thread run one job, long enough that none takes two; return how many failed."""
    queried, failed = site.ledger.count("queried"), site.ledger.count("failed")
    for number in range(threads):
        site.layer.send("querying", {"n": number, "sleep_ms": 400})
    await wait_until(
        lambda: (
            site.ledger.count("queried") + site.ledger.count("failed") >= queried + failed + threads
        )
    )
    await asyncio.sleep(0.6)
    return site.ledger.count("failed") - failed
