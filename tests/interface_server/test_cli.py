"""The `interface-server` command: what it listens on, what it is told, what it says."""

import importlib
import json
import shlex
import signal
import socket
import subprocess
import sys

import pytest
import requests
from click.testing import CliRunner
from websockets.sync.client import connect, unix_connect

from channels.asgi import ChannelLayerWrapper
from interface_server import cli
from interface_server.options import Options
from tests.interface_server.conftest import OURS, SITE, start_host
from tests.processes import REPOSITORY, free_port, wait_until


@pytest.fixture
def told(monkeypatch):
    """Run the command with hosts that only note what they are told; the last of it is in here."""
    told = {}

    def run(application, listen, settings):
        told.update(options=application._options, listen=listen, settings=settings)

    def fake_host(name):
        told["host"] = name
        return type("Host", (), {"run": staticmethod(run)})

    monkeypatch.setattr(cli, "_load_host", fake_host)
    monkeypatch.setattr(cli, "_allow_many_files", lambda: None)
    monkeypatch.setattr(cli.logging, "basicConfig", lambda **settings: None)
    return told


def invoke(*arguments):
    return CliRunner().invoke(cli.command, cli.spread_protocols([*arguments, SITE]))


def run_command(*arguments, env=None, **options):
    """Run the command in a process of its own to its end."""
    return subprocess.run(
        [*OURS, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), **(env or {})},
        **options,
    )


# -- arguments ----------------------------------------------------------------------------------


def test_without_arguments_it_is_daphne_on_port_8000_of_this_machine(told):
    result = invoke()
    assert result.exit_code == 0, result.output
    assert told["host"] == "daphne"
    assert (told["listen"].host, told["listen"].port) == ("127.0.0.1", 8000)
    expected = Options(access_log=told["options"].access_log)
    assert told["options"] == expected


def test_the_flags_of_daphne_1_mean_what_they_meant(told):
    result = invoke(
        *shlex.split(
            "-b 0.0.0.0 -p 9000 -t 30 --websocket_timeout 60 --websocket_connect_timeout 7 "
            "--ping-interval 11 --ping-timeout 12 --root-path /x --proxy-headers -v 0 "
            "--ws-protocol a b --access-log -"
        )
    )
    assert result.exit_code == 0, result.output
    options, settings = told["options"], told["settings"]
    assert (told["listen"].host, told["listen"].port) == ("0.0.0.0", 9000)
    assert (options.http_timeout_s, options.websocket_timeout_s) == (30, 60)
    assert options.websocket_connect_timeout_s == 7
    assert (settings.ping_interval_s, settings.ping_timeout_s) == (11, 12)
    assert (options.root_path, options.proxy_headers) == ("/x", True)
    assert options.websocket_protocols == ("a", "b")
    assert options.access_log is not None


@pytest.mark.parametrize("name", ["--http{}timeout", "--websocket{}timeout", "--ping{}timeout"])
def test_hyphens_and_underscores_are_the_same(told, name):
    for mark in "-_":
        result = invoke(name.format(mark), "77")
        assert result.exit_code == 0, result.output
        everything = repr(told["options"]) + repr(told["settings"])
        assert "timeout_s=77.0" in everything
        told.clear()


def test_the_patience_is_what_the_flag_says_or_else_the_settings(told, monkeypatch):
    monkeypatch.setattr(ChannelLayerWrapper, "server_settings", {"websocket_patience_s": 7.0})
    layer = ["tests.interface_server.sites.wrapped:channel_layer"]

    cli.command(layer, standalone_mode=False)
    assert told["options"].websocket_patience_s == 7

    cli.command(["--websocket-patience", "3", *layer], standalone_mode=False)
    assert told["options"].websocket_patience_s == 3


def test_minus_one_is_for_ever(told):
    invoke("--websocket_timeout", "-1", "--websocket_connect_timeout", "-1", "-t", "-1")
    options = told["options"]
    assert options.websocket_timeout_s is None
    assert options.websocket_connect_timeout_s is None
    assert options.http_timeout_s is None


@pytest.mark.parametrize(
    "arguments, protocols",
    [
        (["--ws-protocol", "a", "x.y:z"], ("a",)),
        (["x.y:z", "--ws-protocol", "a", "b"], ("a", "b")),
        (["--ws_protocol", "a", "--ws-protocol", "b", "-v", "0", "x.y:z"], ("a", "b")),
        (["--ws-protocol", "-v", "0", "x.y:z"], ()),
    ],
)
def test_subprotocols_may_follow_one_flag_as_in_1_x(arguments, protocols):
    spread = cli.spread_protocols(arguments)
    found = [spread[i + 1] for i, word in enumerate(spread) if word == "--ws-protocol"]
    assert tuple(found) == protocols
    assert "x.y:z" in spread


def test_a_unix_socket_alone_means_no_port(told):
    invoke("-u", "/run/x.sock")
    assert told["listen"].port is None
    assert told["listen"].unix_socket == "/run/x.sock"


def test_force_sync_is_accepted_and_said_to_do_nothing(told):
    result = invoke("--force-sync")
    assert result.exit_code == 0
    assert "--force-sync has no effect" in result.stderr


def test_a_layer_of_one_process_is_warned_of(told):
    assert "one process only" in invoke().stderr


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["-p", "99999"], "99999"),
        (["-p", "x"], "x"),
        (["--server", "nginx"], "nginx"),
        (["--nonsense"], "--nonsense"),
        (["--server", "uvicorn", "-e", "tcp:80"], "--endpoint"),
        (["--server", "uvicorn", "-p", "80", "-u", "x"], "one place"),
        (["--proxy-headers", "--trusted-proxy", "nginx"], "nginx"),
        (["--access-log", "/nonexistent/x.log"], "/nonexistent/x.log"),
    ],
)
def test_a_wrong_flag_is_named(told, arguments, word):
    result = invoke(*arguments)
    assert result.exit_code != 0
    assert word in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output


def test_a_host_that_is_not_installed_is_named_with_the_way_to_get_it(monkeypatch):
    def fail(name):
        raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")

    monkeypatch.setattr(importlib, "import_module", fail)
    result = invoke("--server", "uvicorn", "-v", "0")
    assert result.exit_code != 0
    assert "pip install 'channels-classic[uvicorn]'" in result.output


# -- the channel layer --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, words",
    [
        ("no_such_package.asgi:channel_layer", ["no_such_package"]),
        ("tests.interface_server.sites.memory:nothing", ["nothing"]),
        ("tests.interface_server.sites.memory:work", ["work", "get_channel_layer"]),
        ("tests.interface_server.sites.memory", ["my_project.asgi:channel_layer"]),
        (":x", ["my_project.asgi:channel_layer"]),
        ("channels.asgi:channel_layers.default", ["default"]),
        ("channels.asgi:channel_layer", ["make", "DJANGO_SETTINGS_MODULE"]),
    ],
)
def test_a_layer_that_can_not_be_found_is_one_line_and_a_failure(path, words):
    result = run_command(path, cwd=REPOSITORY)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert all(word in line for word in words)


def test_missing_settings_are_one_line_that_names_the_variable(tmp_path):
    source = "from channels.asgi import get_channel_layer\nchannel_layer = get_channel_layer()\n"
    (tmp_path / "asgi.py").write_text(source)
    result = run_command("asgi:channel_layer", cwd=tmp_path)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "DJANGO_SETTINGS_MODULE" in line


def test_a_broken_module_shows_its_traceback_only_if_asked(tmp_path):
    (tmp_path / "asgi.py").write_text("1 / 0\n")
    assert "Traceback" not in run_command("asgi:channel_layer", cwd=tmp_path).stderr
    result = run_command("-v", "2", "asgi:channel_layer", cwd=tmp_path)
    assert result.returncode == 1
    assert "1 / 0" in result.stderr
    assert "ZeroDivisionError" in result.stderr.splitlines()[-1]


# -- listening ----------------------------------------------------------------------------------


def test_a_port_in_use_is_one_line_and_a_failure(server_kind):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_command("--server", server_kind, "-p", str(port), SITE, cwd=REPOSITORY)
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if "one process only" not in line]
    assert len(errors) == 1
    assert "in use" in errors[0]


def test_a_wrong_endpoint_is_one_line_and_a_failure():
    result = run_command("-e", "nonsense:1", SITE, cwd=REPOSITORY)
    assert result.returncode == 1
    assert "nonsense" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_one_line_says_where_it_listens(start, server_kind):
    host = start("-v", "1", "--server", server_kind)
    host.wait_for_log(rf"Listening on http://127\.0\.0\.1:{host.port} for {SITE}")
    assert host.log.count("Listening") == 1


def unix_get(path, text):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.settimeout(10)
        connection.sendall(text.replace("\n", "\r\n").encode())
        data = b""
        while piece := connection.recv(65536):
            data += piece
    return json.loads(data.partition(b"\r\n\r\n")[2])


REQUEST = "GET /facts HTTP/1.1\nhost: x\nconnection: close\n"


def test_a_unix_socket_serves_and_its_file_goes_with_the_server(start, server_kind, tmp_path):
    path = tmp_path / "x.sock"
    host = start("--server", server_kind, "-u", str(path), address=str(path))
    facts = unix_get(path, REQUEST + "x-forwarded-for: 203.0.113.9\n\n")
    assert facts["client"] is None
    host.send_signal(signal.SIGTERM)
    assert host.wait() == 0
    assert not path.exists()


def test_a_unix_socket_that_a_killed_server_has_left_is_taken_over(start, server_kind, tmp_path):
    path = tmp_path / "x.sock"
    start("--server", server_kind, "-u", str(path), address=str(path)).kill()
    assert path.exists()
    start("--server", server_kind, "-u", str(path), address=str(path))
    assert unix_get(path, REQUEST + "\n")["path"] == "/facts"


def test_a_proxy_on_a_unix_socket_says_who_the_client_is(start, server_kind, tmp_path):
    path = tmp_path / "x.sock"
    start("--server", server_kind, "--proxy-headers", "-u", str(path), address=str(path))
    headers = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    head = "".join(f"{name}: {value}\n" for name, value in headers.items())
    facts = unix_get(path, REQUEST + head + "\n")
    assert (facts["client"], facts["scheme"]) == (["203.0.113.9", 0], "https")
    with unix_connect(str(path), "ws://x/y", additional_headers=headers) as client:
        assert json.loads(client.recv(timeout=10))[:2] == [["203.0.113.9", 0], "wss"]


def test_the_access_log_names_the_client_that_consumers_see(start, server_kind, tmp_path):
    path, log = tmp_path / "x.sock", tmp_path / "access.log"
    where = ["-u", str(path), "--access-log", str(log)]
    start("--server", server_kind, "--proxy-headers", *where, address=str(path))
    facts = unix_get(path, REQUEST + "x-forwarded-for: 203.0.113.9\n\n")
    wait_until(log.read_text, what="a line in the access log")
    assert facts["client"] == ["203.0.113.9", 0]
    assert log.read_text().startswith("203.0.113.9 - - [")


def test_a_proxy_on_tcp_says_who_the_client_is_if_it_is_trusted(start, server_kind):
    headers = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    for trusted, expected in (("127.0.0.1", "203.0.113.9"), ("198.51.100.1", "127.0.0.1")):
        host = start("--server", server_kind, "--proxy-headers", "--trusted-proxy", trusted)
        facts = requests.get(host.url + "/facts", headers=headers, timeout=10).json()
        assert facts["client"][0] == expected
        with connect(host.ws_url + "/x", additional_headers=headers) as client:
            assert json.loads(client.recv(timeout=10))[0][0] == expected
        assert facts["scheme"] == ("https" if expected == "203.0.113.9" else "http")


def test_a_listening_file_descriptor_is_taken_over(server_kind):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        number = listener.fileno()
        command = [*OURS, "-v", "0", "--server", server_kind, "--fd", str(number), SITE]
        process = subprocess.Popen(
            command, pass_fds=[number], cwd=REPOSITORY, stderr=subprocess.DEVNULL
        )
    try:
        assert requests.get(f"http://127.0.0.1:{port}/hello", timeout=10).text == "hello"
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_an_endpoint_string_is_listened_on_beside_a_port(start):
    second = free_port()
    host = start("-e", f"tcp:port={second}:interface=127.0.0.1")
    for port in (host.port, second):
        assert requests.get(f"http://127.0.0.1:{port}/hello", timeout=10).text == "hello"


def test_the_access_log_of_both_hosts_is_the_same(start, server_kind, tmp_path):
    path = tmp_path / "access.log"
    host = start("--server", server_kind, "--access-log", str(path))
    requests.get(host.url + "/hello?x=1", timeout=10)
    with connect(host.ws_url + "/y") as client:
        client.recv(timeout=10)
    host.send_signal(signal.SIGTERM)
    host.wait()
    parts = [line.split(" ", 4) for line in path.read_text().splitlines()]
    assert [part[4] for part in parts] == [
        '"GET /hello?x=1" 200 5',
        '"WSCONNECTING /y" - -',
        '"WSCONNECT /y" - -',
        '"WSDISCONNECT /y" - -',
    ]
    assert all(part[0].startswith("127.0.0.1:") for part in parts)


def test_a_redis_that_is_away_at_the_start_is_said_and_answered_with_503(tmp_path, server_kind):
    port = free_port()
    (tmp_path / "away.py").write_text(
        "from channels.layers.redis import RedisChannelLayer\n"
        f"channel_layer = RedisChannelLayer(hosts=['redis://127.0.0.1:{port}'])\n"
    )
    arguments = ["-v", "1", "-p", "{port}", "--server", server_kind, "away:channel_layer"]
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {OURS[-1]}"
    host = start_host(tmp_path, [sys.executable, "-c", code, *arguments])
    try:
        response = requests.get(host.url + "/", timeout=10)
        assert response.status_code == 503
        assert response.elapsed.total_seconds() < 1.5
        assert requests.get(host.url + "/", timeout=10).elapsed.total_seconds() < 1
        host.wait_for_log("unreachable")
        host.send_signal(signal.SIGTERM)
        assert host.wait() == 0
    finally:
        host.kill()


def test_python_m_interface_server_is_the_command():
    shown = subprocess.run(
        [sys.executable, "-m", "interface_server", "--help"], capture_output=True, text=True
    )

    assert "python -m interface_server [OPTIONS] [CHANNEL_LAYER]" in shown.stdout
    assert shown.returncode == 0


def test_subprotocols_may_be_named_in_the_settings_too(told, monkeypatch):
    from channels.asgi import ChannelLayerWrapper

    said = {"websocket_protocols": ("a", "b")}
    monkeypatch.setattr(ChannelLayerWrapper, "server_settings", said)
    invoke()
    assert told["options"].websocket_protocols == ("a", "b")
    invoke("--ws-protocol", "c")
    assert told["options"].websocket_protocols == ("c",)
