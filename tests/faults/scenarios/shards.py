"""A channel layer over two Redis servers, one of which dies, or falls silent."""

import asyncio
import time

from tests.faults.result import Result, percentile
from tests.faults.scenario import scenario
from tests.faults.scenarios.redis_outage import Visitor
from tests.processes import RedisServer

#: An answer that takes longer is trouble too: it waited for a silent host (see SHARED_TIMEOUT_S),
#: not only for workers who are busy with the disconnects of all the sockets that were closed.
SLOW_S = 1.9


async def _visit(site, address, count):
    """Ask for the front page `count` times, one after another; return the seconds each took."""
    times = []
    for _ in range(count):
        response = await site.fetch("/", address=address)
        assert response.status == 200, response.status
        times.append(response.seconds)
    return times


@scenario(36, hosts=("daphne", "uvicorn"), rounds=(30, 300), visits=(10, 10))
async def two_hosts_are_as_fast_as_one(site, numbers):
    """Both are asked in turns, so that what else the machine does slows both down; it may hit a
    few visits of one, so that three tries count as one."""
    await site.start(workers=2)
    addresses = [site.address]
    with RedisServer() as second:
        site.configure(layer={"hosts": [site.redis.url, second.url], "prefix": "two:"})
        await site.start(workers=2)
        addresses.append(site.address)
        for address in addresses:
            await _visit(site, address, 50)
        for _ in range(3):
            one, two = await _ask_in_turns(site, addresses, numbers)
            if two <= (most := max(2 * one, one + 10)):
                break
        await site.call(site.split.stop)
    result = Result()
    result.note(f"p99 with one host: {one:.1f} ms")
    result.at_most("p99 with two", two, most, "ms")
    return result


async def _ask_in_turns(site, addresses, numbers):
    """The 99th percentile of visits to each address, in ms."""
    times = [[] for _ in addresses]
    for _ in range(numbers.rounds):
        for address, taken in zip(addresses, times, strict=True):
            taken += await _visit(site, address, numbers.visits)
    return [percentile(taken, 0.99) * 1000 for taken in times]


@scenario(36, hosts=("daphne", "uvicorn"), sockets=(20, 200), down_s=(6, 30))
async def one_of_two_hosts_dies(site, numbers):
    """The one that a server reads its replies from, and the other one; neither comes back."""
    result = Result()
    for what in ("the server's own host", "the other host"):
        with RedisServer() as one, RedisServer() as other:
            site.configure(layer={"hosts": [one.url, other.url]})
            await site.start(workers=2)
            echoes = await site.open_sockets(numbers.sockets, "/echo")
            members = await site.open_sockets(numbers.sockets, "/group")
            own = _own_host(site)
            dying = (one, other)[own if what.startswith("the server's") else 1 - own]
            trouble_s = await _visit_while(site, dying.kill, numbers.down_s)
            result.at_most(f"{what} dead: trouble with HTTP", trouble_s, 5.0, "s")
            await _check_echoes(site, echoes, result)
            await _check_group(site, members, result)
            for process in [*site.split.servers, *site.split.workers]:
                await site.call(process.kill)  # they would wait for the host
    return result


@scenario(36, hosts=("daphne", "uvicorn"), sockets=(20, 200), down_s=(8, 60))
async def one_of_two_hosts_falls_silent(site, numbers):
    """As when its machine has no power any more: no connection ends, and nothing comes."""
    result = Result()
    for what in ("the server's own host", "the other host"):
        with RedisServer() as one, RedisServer() as other:
            proxies = [await site.start_proxy(("127.0.0.1", r.port)) for r in (one, other)]
            site.configure(layer={"hosts": [list(proxy.address) for proxy in proxies]})
            await site.start(workers=2)
            echoes = await site.open_sockets(numbers.sockets, "/echo")
            members = await site.open_sockets(numbers.sockets, "/group")
            own = await site.call(_own_host, site)
            silent = proxies[own if what.startswith("the server's") else 1 - own]
            trouble_s = await _visit_while(site, silent.freeze, numbers.down_s)
            result.at_most(f"{what} silent: trouble with HTTP", trouble_s, 10.0, "s")
            await _check_echoes(site, echoes, result)
            await _check_group(site, members, result)
            for process in [*site.split.servers, *site.split.workers]:
                await site.call(process.kill)
    return result


def _own_host(site):
    """The number of the host that the last server's replies come from."""
    server_id = site.ledger.values("socket", "connect")[-1].partition("!")[0].rpartition(".")[2]
    return site.layer.keyspace.host_of(server_id)


async def _visit_while(site, strike, seconds):
    """Ask for the front page while `strike()` does harm; return for how long in all somebody waited
    who was not answered well and soon."""
    visitor = Visitor(site)
    await asyncio.sleep(1)
    struck_at = time.monotonic()
    await site.call(strike)
    await asyncio.sleep(seconds)
    await visitor.stop()
    answers = [(at, at + took, status) for at, status, took in visitor.answers]
    bad = [each for each in answers if each[2] != 200 or each[1] - each[0] > SLOW_S]
    trouble_s, until = 0.0, struck_at
    for begun, ended, _ in sorted(bad, key=lambda each: each[0]):
        trouble_s += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return trouble_s


async def _check_echoes(site, sockets, result):
    """Promise that new sockets work, and that old ones do or were closed."""
    still_open = [socket for socket in sockets if socket.is_open]
    answered = await _count_answers(still_open)
    closed = len(sockets) - len(still_open)
    result.equal(f"open sockets that still work ({closed} were closed)", answered, len(still_open))
    answered = await _count_answers(await site.open_sockets(len(sockets), "/echo"))
    result.equal("new sockets that work", answered, len(sockets))


async def _count_answers(sockets):
    for socket in sockets:
        socket.send("hello")
    return sum([await socket.wait_for_texts(1, limit_s=5) for socket in sockets])


async def _check_group(site, sockets, result):
    """Promise that a broadcast reaches the members that are still there, and as many new ones."""
    members = [socket for socket in sockets if socket.is_open]
    members += await site.open_sockets(len(sockets), "/group")
    await site.call(site.layer.send_group, "group", {"text": "0"})
    heard = sum([await socket.wait_for_texts(1, limit_s=5) for socket in members])
    result.equal("members that hear a broadcast", heard, len(members))
