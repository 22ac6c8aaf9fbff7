"""Sockets that end in every way, and servers that die with theirs."""

import asyncio
import time

from tests.faults.clients.web_socket import Refused
from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.faults.site import count_keys, wait_until


@scenario(14, sockets=(150, 500))
async def sockets_leave_while_no_disconnect_fits(site, numbers):
    """The only worker stands still, so the disconnects of most find their channel full."""
    await site.start(workers=1)
    sockets = await site.open_sockets(numbers.sockets, "/echo")
    worker = site.split.workers[0]
    await site.ledger.wait_for(numbers.sockets, "connect")
    worker.pause()
    for number, socket in enumerate(sockets):
        socket.leave() if number % 2 else socket.vanish()
    await asyncio.sleep(2)
    full = site.layer.channel_statistics("websocket.disconnect")["messages_pending"]
    worker.resume()
    await site.ledger.wait_for(numbers.sockets, "disconnect", limit_s=30)
    await asyncio.sleep(1)
    gone = site.ledger.values("socket", "disconnect")
    result = Result()
    result.note(f"{full} waited in the full channel")
    result.equal("sockets whose disconnect ran", len(set(gone)), numbers.sockets)
    result.equal("disconnects", len(gone), numbers.sockets)
    return result


@scenario(
    14,
    15,
    hosts=("daphne", "uvicorn"),
    sockets=(100, 500),
    haste=(True, False),
    limit_s=(15.0, 60.0),
)
async def a_server_dies_with_its_sockets(site, numbers):
    """Another server and the workers clean up after it."""
    site.configure(HASTE=numbers.haste)
    await site.start(workers=2)
    await site.open_sockets(numbers.sockets, "/forgetful")
    dead = site.split.servers[0]
    await site.start_server()
    staying = await site.open_sockets(10, "/forgetful")
    await site.ledger.wait_for(numbers.sockets + 10, "connect")
    await site.call(dead.kill)
    begun = time.monotonic()
    await site.ledger.wait_for(numbers.sockets, "disconnect", limit_s=numbers.limit_s + 30)
    took_s = time.monotonic() - begun
    await asyncio.sleep(1)
    gone = site.ledger.values("socket", "disconnect")
    result = Result()
    result.equal("disconnects made up for", len(set(gone)), numbers.sockets)
    result.equal("disconnects", len(gone), numbers.sockets)
    result.at_most("within", took_s, numbers.limit_s, "s")
    result.equal("members left in the group", len(site.layer.group_channels("forgetful")), 10)
    site.layer.send_group("forgetful", {"text": "still here"})
    heard = [await socket.wait_for_texts(1, limit_s=5) for socket in staying]
    result.equal("other server's sockets that hear the group", sum(heard), 10)
    return result


@scenario(
    15, hosts=("daphne", "uvicorn"), sockets=(100, 1_000), ping_s=(1, None), limit_s=(10.0, 120.0)
)
async def clients_vanish_without_a_word(site, numbers):
    """Their network is gone: no byte comes any more, and nobody is told."""
    pings = [f"--ping-interval={numbers.ping_s}", f"--ping-timeout={numbers.ping_s}"]
    await site.start(*(pings if numbers.ping_s else []), workers=2)
    proxy = await site.start_proxy()
    await site.open_sockets(numbers.sockets, "/forgetful", address=proxy.address)
    await site.ledger.wait_for(numbers.sockets, "connect")
    before = len(site.layer.group_channels("forgetful"))
    proxy.freeze()
    gone_s = await wait_until(
        lambda: not site.layer.group_channels("forgetful"), limit_s=numbers.limit_s + 30
    )
    result = Result()
    result.equal("members at first", before, numbers.sockets)
    result.equal("members left", len(site.layer.group_channels("forgetful")), 0)
    result.at_most("gone after", gone_s or numbers.limit_s + 30, numbers.limit_s, "s")
    return result


@scenario(15, 25, sockets=(50, 1_000))
async def consumers_add_who_has_left(site, numbers):
    """Each socket's connect takes longer than the socket lives: its disconnect runs first."""
    await site.start(workers=2, threads=16)
    await _come_and_go(site, 10, "/late")
    await site.ledger.wait_for(10, "joined")
    with site.redis.client() as client:
        before = await count_keys(client)
        await _come_and_go(site, numbers.sockets, "/late")
        await site.ledger.wait_for(numbers.sockets + 10, "joined", limit_s=60)
        await wait_until(lambda: client.dbsize() <= before, limit_s=10)
        result = Result()
        left_at, joined_at = (
            {record["socket"]: record["at"] for record in site.ledger.records(event)}
            for event in ("disconnect", "joined")
        )
        late = sum(joined_at[socket] > at for socket, at in left_at.items())
        result.true(f"{late} sockets were added after their disconnect had run", late > 0)
        result.equal("members left", len(site.layer.group_channels("late")), 0)
        result.equal("keys more", max(0, client.dbsize() - before), 0)
    return result


async def _come_and_go(site, count, path, at_once=25):
    """Open and close `count` sockets; return when their disconnects have run."""
    before = site.ledger.count("disconnect")
    gate = asyncio.Semaphore(at_once)

    async def visit():
        async with gate:
            socket = await site.open_socket(path)
            socket.leave()
            await socket.wait_closed()
            site.sockets.remove(socket)

    await asyncio.gather(*(visit() for _ in range(count)))
    await site.ledger.wait_for(before + count, "disconnect", limit_s=60)


@scenario(25, sockets=(300, 10_000))
async def sockets_leave_no_group_records(site, numbers):
    """Each joins a group of its own and one of all, and leaves neither."""
    await site.start(workers=2)
    await _come_and_go(site, 10, "/own")
    with site.redis.client() as client:
        before = await count_keys(client)
        await _come_and_go(site, numbers.sockets, "/own")
        await wait_until(lambda: client.dbsize() <= before, limit_s=10)
        result = Result()
        result.equal("disconnects", site.ledger.count("disconnect"), numbers.sockets + 10)
        result.equal("keys more", max(0, client.dbsize() - before), 0)
    return result


@scenario(32, sockets=(300, 10_000))
async def sockets_leave_no_sessions(site, numbers):
    await site.start(workers=2)
    await _come_and_go(site, numbers.sockets, "/session")
    with site.redis.client() as client:

        def count_records():
            return sum(1 for _ in client.scan_iter("*:session:*", count=1000))

        await wait_until(lambda: not count_records(), limit_s=60)
        result = Result()
        recalled = site.ledger.count("recalled", since="/session")
        result.equal("sessions that were there to the end", recalled, numbers.sockets)
        result.at_most("session records", count_records(), 10)
    return result


@scenario(42, hosts=("daphne", "uvicorn"), codes=((4001, 4999), (1000, 3000, 4001, 4999)))
async def refusals_and_close_codes(site, numbers):
    await site.start(workers=1)
    foreign = [await _status(site, origin) for origin in _FOREIGN]
    malformed = await _status(site, "https://[bad")
    own = await site.open_socket("/own-pages", headers=[("Origin", "https://www.example.org")])
    result = Result()
    result.equal("foreign Origins refused with 403", foreign.count(403), len(_FOREIGN))
    result.true(f"a malformed Origin is refused ({malformed})", malformed in (400, 403))
    result.true("a page of its own gets a socket", own.is_open)
    for code in numbers.codes:
        socket = await site.open_socket("/close")
        socket.send(str(code))
        await socket.wait_closed(limit_s=5)
        noted = await site.ledger.wait_for(1, "disconnect", code=code, limit_s=5)
        result.true(
            f"{code} reaches the client ({socket.close_code}) and the consumer ({noted})",
            socket.close_code == code and noted == 1,
        )
    socket = await site.open_socket("/echo")
    socket.leave(4321)
    noted = await site.ledger.wait_for(1, "disconnect", code=4321, limit_s=5)
    result.true("the client's own code reaches the consumer", noted == 1)
    return result


_FOREIGN = ["https://evil.example.com", "https://www.example.org.evil.com", "null"]


async def _status(site, origin):
    try:
        await site.open_socket("/own-pages", headers=[("Origin", origin)])
    except Refused as refusal:
        return refusal.status
    return 101
