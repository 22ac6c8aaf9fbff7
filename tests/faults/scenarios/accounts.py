"""Who is logged in, on pages and on sockets."""

import asyncio
import itertools

from tests.faults.project.mistakes import ROUTINGS
from tests.faults.result import Result
from tests.faults.scenario import scenario


async def _log_in(site, name):
    """Log in over HTTP; return the headers that a browser would send from then on."""
    response = await site.fetch(f"/log-in/{name}")
    return [("Cookie", response.headers["set-cookie"].partition(";")[0])]


async def _visit(site, address, name, cookie):
    """Connect, send, leave; return who the consumer says it was."""
    socket = await site.open_socket("/account", address=address, headers=cookie)
    socket.send("who am I?")
    await socket.wait_for_texts(1, limit_s=20)
    socket.leave()
    await socket.wait_closed()
    return (socket.texts or [None])[0] == name


async def _visit_all(site, address, cookies, count, at_once=20):
    gate = asyncio.Semaphore(at_once)

    async def visit(name):
        async with gate:
            return await _visit(site, address, name, cookies[name])

    names = itertools.islice(itertools.cycle(cookies), count)
    return await asyncio.gather(*(visit(name) for name in names))


def _check_users(site, count, result):
    """Promise that each socket had one and the same user all along."""
    users = {}
    for step in ("connect", "receive", "disconnect"):
        for record in site.ledger.records(f"user at {step}"):
            users.setdefault(record["socket"], []).append(record["user"])
    same = [socket for socket, seen in users.items() if len(seen) == 3 and len(set(seen)) == 1]
    result.equal("sockets with the same user at each step", len(same), count)
    result.equal("of these anonymous", sum("" in users[socket] for socket in same), 0)


@scenario(33, users=(5, 20), sockets=(40, 1_000), lag_ms=(100, 500))
async def users_behind_a_slow_network(site, numbers):
    await site.call(site.split.manage, "migrate", "-v0")
    await site.start(workers=2, threads=4)
    cookies = {f"user{n}": await _log_in(site, f"user{n}") for n in range(numbers.users)}
    proxy = await site.start_proxy(delay_s=numbers.lag_ms / 2000)
    told = await _visit_all(site, proxy.address, cookies, numbers.sockets)
    await site.ledger.wait_for(numbers.sockets, "user at disconnect")
    result = Result()
    result.equal("sockets that were told their user", sum(told), numbers.sockets)
    _check_users(site, numbers.sockets, result)
    return result


@scenario(34, users=(3, 20), sockets=(12, 500))
async def sessions_in_signed_cookies(site, numbers):
    site.configure(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies")
    await site.call(site.split.manage, "migrate", "-v0")
    await site.start(workers=2, threads=4)
    cookies = {f"user{n}": await _log_in(site, f"user{n}") for n in range(numbers.users)}
    told = await _visit_all(site, site.address, cookies, numbers.sockets)
    await site.ledger.wait_for(numbers.sockets, "user at disconnect")
    result = Result()
    result.equal("sockets that were told their user", sum(told), numbers.sockets)
    _check_users(site, numbers.sockets, result)
    return result


@scenario(33, routings=(tuple(ROUTINGS), tuple(ROUTINGS)))
async def decorators_where_they_cannot_work(site, numbers):
    """Whoever starts a worker is told which, before anything goes wrong."""
    result = Result()
    for name in numbers.routings:
        site.split.env["FAULTS_ROUTING"] = f"tests.faults.project.mistakes.{name}"
        worker = site.split.start_worker(wait=False)
        await site.call(worker.wait_for_log, r"channels\.[EW]\d+|Error|[Ll]istening on")
        told = "channels." in worker.log or "Error" in worker.log
        result.true(f"{name} is told at start-up", told)
        await site.call(worker.kill)
    return result
