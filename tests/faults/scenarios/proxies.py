"""The client's address and scheme behind nginx."""

import json
import os
import shutil

from tests.conftest import give_up
from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.processes import REPOSITORY, Process, free_port

#: What a client claims about itself, and nobody is to believe.
CLAIMS = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")]


def start_nginx(directory, upstream):
    """Start nginx with our configuration before `upstream`; return its Process and its port."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        give_up("no nginx: install it")
    port = free_port()
    site = (REPOSITORY / "deploy" / "nginx.conf").read_text()
    site = site.replace("server unix:/run/channels/interface.sock;", f"server {upstream};")
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    folders = " ".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = directory / "nginx.conf"
    configuration.write_text(
        f"{user} pid {directory}/nginx.pid; daemon off; events {{}} error_log stderr;\n"
        f"http {{ access_log off; {folders}\n{site} }}"
    )
    command = [program, "-p", directory, "-c", configuration, "-e", "stderr"]
    process = Process(command, directory / "nginx.log")
    process.wait_until_connectable(("127.0.0.1", port))
    return process, port


@scenario(43, hosts=("daphne", "uvicorn"), ways=(("tcp", "unix"), ("tcp", "unix")))
async def the_real_client_behind_nginx(site, numbers):
    """nginx is the only one that is believed; it listens on 127.0.0.1, clients come from .2."""
    await site.start_workers(1)
    result = Result()
    for way in numbers.ways:
        options = {"unix_socket": site.directory / "server.sock"} if way == "unix" else {}
        server = await site.start_server("--proxy-headers", **options)
        upstream = f"127.0.0.1:{server.port}" if way == "tcp" else f"unix:{options['unix_socket']}"
        nginx, port = await site.call(start_nginx, site.directory, upstream)
        seen = await _ask(site, ("127.0.0.1", port))
        result.true(f"behind nginx, {way}: {seen}",
                    seen == ("127.0.0.2 http", "127.0.0.2 ws"))  # fmt: skip
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
    return tuple(f"{one['address']} {one['scheme']}"
                 for one in map(json.loads, [page.body, socket.texts[0]]))  # fmt: skip
