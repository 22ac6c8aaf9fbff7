"""Who takes which messages: shards, several hosts, workers that come and go."""

import contextlib
import signal

import pytest
import requests

from tests.processes import Process, free_port, wait_until
from tests.split.conftest import (
    LIMIT_S,
    NO_CLIENTS,
    ONLY_CLIENTS,
    Getting,
    ask,
    get,
    open_socket,
)


def test_each_worker_takes_its_own_share_only(site, layer, notes):
    server = site.start_server()
    clients, jobs = [
        site.start_worker(*arguments, wait=False) for arguments in (ONLY_CLIENTS, NO_CLIENTS)
    ]
    for worker in (clients, jobs):
        worker.wait_for_log(site.WORKER_READY)
    with open_socket(server) as socket:
        for number in range(10):
            layer.send("work", {"name": number})
            assert get(server).text == str(clients.pid)
            assert ask(socket) == f"{clients.pid} hello"
    notes.expect("websocket.disconnect")
    assert {note["pid"] for note in notes.expect("ended", 10)} == {jobs.pid}
    for channel in ("http.request", "websocket.connect", "websocket.disconnect"):
        assert {note["pid"] for note in notes.find(channel)} == {clients.pid}


def test_what_is_nobodys_share_waits_for_a_worker_that_takes_it(site, layer, notes):
    server = site.start_server()
    site.start_worker(*ONLY_CLIENTS)
    layer.send("work", {"name": "waits"})
    for _ in range(5):
        get(server)
    assert layer.channel_statistics("work")["messages_pending"] == 1
    jobs = site.start_worker(*NO_CLIENTS)
    assert notes.expect("ended", name="waits")[0]["pid"] == jobs.pid


def test_without_workers_pages_wait_and_open_sockets_stay_open(site, notes):
    server = site.start_server()
    old = site.start_worker()
    with open_socket(server) as socket:
        assert ask(socket) == f"{old.pid} hello"
        site.stop_workers()
        page = Getting(server)
        socket.send("while nobody works")
        socket.ping().wait(LIMIT_S)
        assert page.is_waiting
        new = site.start_worker()
        assert page.result().text == str(new.pid)
        assert socket.recv(LIMIT_S) == f"{new.pid} while nobody works"
    assert notes.expect("websocket.disconnect")[0]["code"] == 1000


def start_uvicorn(site):
    return start_host(site, "uvicorn", "--no-access-log", "--port")


def start_gunicorn(site):
    arguments = ["-k", "uvicorn.workers.UvicornWorker", "--workers", "2", "-b"]
    return start_host(site, "gunicorn", *arguments, where="127.0.0.1:{}")


def start_daphne(site):
    return start_host(site, "daphne", "-p")


class Host(Process):
    port: int

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self):
        return f"ws://127.0.0.1:{self.port}"


def start_host(site, module, *arguments, where="{}"):
    """Start somebody's ASGI server with the site's asgi.py, as its users do."""
    port = free_port()
    command = [site.python, "-m", module, *arguments, where.format(port), site.asgi]
    host = site._start(Host, command, module)
    host.port = port
    site.servers.append(host)
    return host


def test_hosts_of_every_kind_share_the_workers_and_their_groups(site):
    hosts = [start_daphne(site), start_daphne(site), start_uvicorn(site), start_gunicorn(site)]
    workers = [site.start_worker(wait=False) for _ in range(2)]
    for host in hosts:
        host.wait_until_connectable(("127.0.0.1", host.port))
    for worker in workers:
        worker.wait_for_log(site.WORKER_READY)
    pids = {str(worker.pid) for worker in workers}
    for host in hosts:
        assert get(host).text in pids
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(host)) for host in hosts for _ in range(3)]
        for socket in sockets:
            assert ask(socket).split()[0] in pids
        for number, socket in enumerate(sockets):
            socket.send(f"all: {number}")
            assert [other.recv(LIMIT_S) for other in sockets] == [f"all: {number}"] * len(sockets)
    for host in hosts:
        host.send_signal(signal.SIGTERM)
    for host in hosts:
        assert host.wait(LIMIT_S) in (0, -signal.SIGTERM), host
        assert "Traceback" not in host.log


def test_a_server_that_is_killed_takes_nobody_else_with_it(site):
    doomed, other = (site.start_server(wait=False) for _ in range(2))
    site.start_worker()
    for server in (doomed, other):
        server.wait_until_connectable(("127.0.0.1", server.port))
    with open_socket(other) as socket, open_socket(doomed) as lost:
        ask(lost)
        doomed.kill()
        assert ask(socket, "all: still here") == "all: still here"
        with pytest.raises(requests.ConnectionError):
            get(doomed)
        assert get(other).status_code == 200


def test_a_second_worker_takes_over_from_a_busy_one(site, layer, notes):
    server = site.start_server()
    site.start_worker()
    layer.send("work", {"name": "long", "hold": True})
    notes.expect("began", name="long")
    page = Getting(server)
    second = site.start_worker()
    assert page.result().text == str(second.pid)
    notes.go_on()
    wait_until(lambda: notes.find("ended", name="long"))
