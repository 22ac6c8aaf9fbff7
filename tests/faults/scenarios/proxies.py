"""The client's address and scheme behind nginx."""

import json

from tests.conftest import give_up
from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.processes import Nginx, find_nginx

#: What a client claims about itself, and nobody is to believe.
CLAIMS = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")]


@scenario(43, hosts=("daphne", "uvicorn"), ways=(("tcp", "unix"), ("tcp", "unix")))
async def the_real_client_behind_nginx(site, numbers):
    """nginx is the only one that is believed; it listens on 127.0.0.1, clients come from .2."""
    if find_nginx() is None:
        give_up("no nginx: install it")
    await site.start_workers(1)
    result = Result()
    for way in numbers.ways:
        options = {"unix_socket": site.directory / "server.sock"} if way == "unix" else {}
        server = await site.start_server("--proxy-headers", **options)
        upstream = f"127.0.0.1:{server.port}" if way == "tcp" else f"unix:{options['unix_socket']}"
        nginx = await site.call(Nginx, site.directory, upstream)
        seen = await _ask(site, ("127.0.0.1", nginx.port))
        result.true(f"behind nginx, {way}: {seen}", seen == ("127.0.0.2 http", "127.0.0.2 ws"))
        await site.call(nginx.stop)
    await site.start_server()
    seen = await _ask(site, site.address)
    result.true(f"without --proxy-headers: {seen}", seen == ("127.0.0.2 http", "127.0.0.2 ws"))
    await site.start_server("--proxy-headers", "--trusted-proxy=192.0.2.1")
    seen = await _ask(site, site.address)
    result.true(f"from whom nobody trusts: {seen}", seen == ("127.0.0.2 http", "127.0.0.2 ws"))
    return result


async def _ask(site, address):
    """Return ("address scheme" over HTTP, and over a WebSocket), asked from 127.0.0.2."""
    there = {"address": address, "source": ("127.0.0.2", 0)}
    host = ("Host", "www.example.org")
    page = await site.fetch("/client", headers=[*CLAIMS, host], **there)
    socket = await site.open_socket("/client", headers=[*CLAIMS, host], **there)
    await socket.wait_for_texts(1, limit_s=5)
    return tuple(
        f"{one['address']} {one['scheme']}" for one in map(json.loads, [page.body, socket.texts[0]])
    )
