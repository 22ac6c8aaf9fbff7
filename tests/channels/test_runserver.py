"""`manage.py runserver`, as a real process of a small project."""

import concurrent.futures
import importlib.util
import re
import signal
import socket

import django
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect

from channels.startup.installed import take_over_commands
from tests.channels.development_site import Runserver, edit, edit_and_reload, write_site
from tests.processes import Split, free_port, wait_until

LIMIT_S = 20

#: Django 4.2 has colorama, if it is installed, take out what is not for a terminal.
COLOURS_ARE_STRIPPED = django.VERSION < (5,) and importlib.util.find_spec("colorama")


def open_socket(server, path="/"):
    return connect(server.ws_url + path, open_timeout=LIMIT_S, close_timeout=LIMIT_S, proxy=None)


def ask(socket, text="hello"):
    socket.send(text)
    return socket.recv(LIMIT_S)


def get(server, path="/"):
    return requests.get(server.url + path, timeout=LIMIT_S)


@pytest.fixture
def site(tmp_path):
    return write_site(tmp_path)


@pytest.fixture
def runserver(site, make_split):
    """Start a Runserver with more arguments, environment variables, on a free port or on `port`."""

    def start(*args, redis_url=None, port=None, wait=True, **env):
        split = make_split(site, settings="site_settings", redis_url=redis_url, env=env)
        port = port or free_port()
        server = Runserver(split, port, str(port), *args)
        server.split = split
        return server.wait_until_ready() if wait else server

    return start


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """One server for the tests that only look: no CHANNEL_LAYERS, no reloader, colours."""
    directory = write_site(tmp_path_factory.mktemp("site"))
    with Split(directory, settings="site_settings") as split:
        port = free_port()
        server = Runserver(split, port, f"127.0.0.1:{port}", "--noreload", "--force-color")
        yield server.wait_until_ready()


def test_it_says_where_it_listens(plain):
    assert f"Starting Channels development server at {plain.url}/\n" in plain.log
    assert "MemoryChannelLayer" in plain.log


def test_views_and_sockets_work_without_any_channel_layers_in_the_settings(plain):
    assert get(plain).text == f"pid {plain.process.pid}"
    with open_socket(plain) as socket:
        socket.ping().wait(LIMIT_S)


def test_static_files_are_served_under_debug(plain):
    assert get(plain, "/static/site.css").text == "body { color: teal }"


@pytest.mark.parametrize(
    ("path", "status", "colour"),
    [("/?a=1", 200, ""), ("/nowhere/", 404, "33"), ("/%0Anew-line", 404, "33")],
)
def test_each_request_has_a_coloured_line(plain, path, status, colour):
    get(plain, path)
    line = rf"\[\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d\] HTTP GET {re.escape(path)} {status} "
    found = plain.process.wait_for_log(rf".*{line}\[\d+\.\d\d, 127\.0\.0\.1:\d+\].*")[0]
    assert COLOURS_ARE_STRIPPED or re.fullmatch(rf"\x1b\[{colour}m.*\x1b\[0m", found)


def test_each_step_of_a_socket_has_a_line(plain):
    with open_socket(plain, "/some/path"):
        pass
    for word in ("HANDSHAKING", "CONNECT", "DISCONNECT"):
        plain.process.wait_for_log(rf"\] WebSocket {word} /some/path \[127\.0\.0\.1:\d+\]")


def test_consumers_run_four_at_a_time(runserver):
    server = runserver("--noreload", LAYER="memory")
    with concurrent.futures.ThreadPoolExecutor(4) as clients:
        texts = [r.text for r in clients.map(get, [server] * 4, ["/gather/"] * 4)]
    assert texts == ["all four"] * 4
    with open_socket(server) as socket:
        assert ask(socket) == f"first {server.process.pid} hello"


def test_clients_that_wait_too_long_get_503(runserver):
    server = runserver(
        "--noreload", "--http_timeout=0.2", "--websocket_handshake_timeout=0.2", LAYER="memory"
    )
    assert get(server, "/silent/").status_code == 503
    with pytest.raises(InvalidStatus) as refused:
        open_socket(server, "/silent/")
    assert refused.value.response.status_code == 503
    server.process.wait_for_log(r"\] WebSocket REJECT /silent/")


def test_changed_code_is_reloaded_and_a_mistake_in_it_waited_out(runserver, site):
    server = runserver(LAYER="memory")
    consumers = site / "site_consumers.py"
    with open_socket(server) as socket:
        assert ask(socket).startswith("first")
        edit_and_reload(consumers, "first", "second", server.process)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
        assert closed.value.rcvd.code == 1001
    _wait_for_version(server, "second")
    edit_and_reload(consumers, '"second"', '"second', server.process)
    server.process.wait_for_log(r"InvalidRoute: .*SyntaxError")
    edit_and_reload(consumers, '"second', '"third"', server.process)
    _wait_for_version(server, "third")


def _wait_for_version(server, version):
    def ask_again():
        try:
            with open_socket(server) as socket:
                return ask(socket).startswith(version)
        except (OSError, WebSocketException):  # it is being reloaded, it may be once more
            return False

    wait_until(ask_again, limit_s=LIMIT_S, what=lambda: f"{version} from {server.process}")


def test_with_redis_and_noworker_another_process_serves(runserver, redis_server):
    server = runserver("--noreload", "--noworker", redis_url=redis_server.url)
    worker = server.split.start_worker()
    assert get(server).text == f"pid {worker.pid}"
    with open_socket(server) as socket:
        assert ask(socket) == f"first {worker.pid} hello"


def test_with_redis_its_own_worker_shares_the_work(runserver, redis_server):
    server = runserver("--noreload", redis_url=redis_server.url)
    assert get(server).text == f"pid {server.process.pid}"
    server.split.start_worker()
    other = server.split.workers[-1].pid
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        wait_until(
            lambda: f"pid {other}" in [r.text for r in clients.map(get, [server] * 8)],
            limit_s=LIMIT_S,
        )


def test_noworker_on_a_layer_in_memory_is_warned_of(runserver):
    server = runserver("--noreload", "--noworker", LAYER="memory")
    assert "no worker elsewhere can serve what comes in here" in server.log


def test_noasgi_is_djangos_own_server(runserver):
    server = runserver("--noreload", "--noasgi", LAYER="memory")
    assert re.search("Starting (WSGI )?development server at", server.log)
    assert "WSGIServer" in get(server).headers["Server"]
    assert get(server, "/static/site.css").status_code == 200
    with pytest.raises(InvalidStatus):
        open_socket(server)


@pytest.mark.parametrize("args", [[], ["--noreload"]])
def test_a_port_that_is_taken_ends_it_with_a_word_of_advice(runserver, args):
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = runserver(*args, port=other.getsockname()[1], wait=False)
        assert server.process.wait(LIMIT_S) == 1
    assert "Address already in use. Stop what listens there, or name another port" in server.log
    assert "Traceback" not in server.log


def test_it_listens_on_ipv6(runserver):
    server = runserver("--noreload", "--ipv6")
    assert f"server at http://[::1]:{server.port}/" in server.log
    assert requests.get(f"http://[::1]:{server.port}/", timeout=LIMIT_S).status_code == 200


def test_a_name_without_an_ipv6_address_is_refused(site, make_split):
    split = make_split(site, settings="site_settings")
    server = Runserver(split, 0, "no-such-host.invalid:8000", "--noreload", "--ipv6")
    assert server.process.wait(LIMIT_S) == 1
    assert "CommandError: 'no-such-host.invalid' has no IPv6 address" in server.log


@pytest.mark.parametrize(("args", "status"), [((), 404), (["--insecure"], 200)])
def test_without_debug_static_files_are_served_only_if_told_so(runserver, args, status):
    server = runserver("--noreload", *args, DEBUG="0")
    assert get(server, "/static/site.css").status_code == status


def test_nostatic_serves_no_static_files(runserver):
    assert get(runserver("--noreload", "--nostatic"), "/static/site.css").status_code == 404


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_sockets_with_1001_and_ends_it_with_0(runserver, number):
    server = runserver("--noreload")
    with open_socket(server) as socket:
        server.process.send_signal(number)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
    assert closed.value.rcvd.code == 1001
    assert server.process.wait(LIMIT_S) == 0
    assert "Traceback" not in server.log


def test_broken_routing_ends_it_with_the_route_in_the_message(runserver, site):
    edit(site / "site_routing.py", "routes = [", "routes = [route('websocket.connect', 'no.such'),")
    server = runserver("--noreload", wait=False, LAYER="memory")
    assert server.process.wait(LIMIT_S) == 1
    assert "CommandError: route('websocket.connect', 'no.such')" in server.log
    assert "there is no module 'no'" in server.log


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("django.core", "channels"),
        ("django.contrib.staticfiles", "channels"),
        ("daphne", "channels"),
        ("channels", "channels"),
        ("elsewhere.devserver", "elsewhere.devserver"),
    ],
)
def test_runserver_is_taken_over_from_django_but_from_no_other_app(monkeypatch, owner, expected):
    commands = {"runserver": owner}
    monkeypatch.setattr("django.core.management.get_commands", lambda: commands)
    take_over_commands()
    assert commands == {"runserver": expected}
