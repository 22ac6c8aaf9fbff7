"""No connection outlives the time-outs: bodies that trickle, responses that nobody reads."""

import contextlib
import signal
import socket
import sys
import time

import psutil
import pytest

from tests.interface_server.conftest import start_host
from tests.interface_server.test_hosts import MIB, read_to_end, send_head
from tests.interface_server.test_raw_requests import read_response
from tests.processes import wait_until

#: Starts a host with limits that the command has no flag for.
SCRIPT = """
import importlib, sys
from interface_server.application import InterfaceServer
from interface_server.hosts.settings import HostSettings, Listen
from interface_server.options import Options
from tests.interface_server.sites.memory import channel_layer

host = importlib.import_module(f"interface_server.hosts.{sys.argv[1]}")
options = Options(http_stall_s=1.0, http_silence_s=1.0)
server = InterfaceServer(channel_layer.channel_layer, options)
settings = HostSettings(head_timeout_s=1.0, flush_timeout_s=1.0)
host.run(server, Listen("127.0.0.1", int(sys.argv[2])), settings)
"""


@pytest.fixture
def hasty_host(tmp_path, server_kind):
    """A host that waits for a client for a second."""
    host = start_host(tmp_path, [sys.executable, "-c", SCRIPT, server_kind, "{port}"])
    yield host
    host.kill()


def trickle(connection, piece):
    """Send a piece five times a second until there is an answer; return that."""
    connection.settimeout(0.2)
    for _ in range(60):
        with contextlib.suppress(TimeoutError):
            return connection.recv(65536)
        connection.sendall(piece)
    raise AssertionError("no answer to a request that does not end")


def test_a_process_that_stood_still_reads_what_came_before_it_ends_connections(hasty_host):
    address = ("127.0.0.1", hasty_host.port)
    with (
        socket.create_connection(address) as connection,
        socket.create_connection(address) as other,
    ):
        other.sendall(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_response(other)[0] == 200  # so the first one was accepted, too
        host = psutil.Process(hasty_host.pid)
        wait_until(
            lambda: host.status() == psutil.STATUS_SLEEPING, what="the host to have nothing to do"
        )
        hasty_host.send_signal(signal.SIGSTOP)
        connection.sendall(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(3.0)  # longer than a head may take, and than Daphne's pauses between two looks
        hasty_host.send_signal(signal.SIGCONT)
        assert read_response(connection)[0] == 200


@pytest.mark.parametrize(
    ("framing", "piece"),
    [
        ("content-length: 5000", b"x"),
        ("transfer-encoding: chunked", b"1\r\nx\r\n"),
    ],
)
def test_a_body_that_trickles_is_408(hasty_host, framing, piece):
    head = f"POST /upload HTTP/1.1\nhost: x\n{framing}\n\n"
    with send_head(hasty_host, head) as connection:
        assert trickle(connection, piece).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stops_is_408_and_told_to_its_reader(hasty_host):
    head = f"POST /upload HTTP/1.1\nhost: x\ncontent-length: {3 * MIB}\n\n"
    with send_head(hasty_host, head) as connection:
        connection.sendall(b"x" * MIB)
        assert read_to_end(connection).startswith(b"HTTP/1.1 408 ")
    hasty_host.expect_record("/upload", "closed")


@pytest.mark.parametrize(
    "text",
    [
        "GET /hello HTTP/1.1\nhost: x\nupgrade: websocket\nconnection: upgrade\n",
        "GET /hello HTTP/1.1\nhost: x\n\nGET /hello HTTP/1.1\n",
    ],
)
def test_a_head_that_stops_is_408_and_its_connection_is_closed(hasty_host, text):
    begun_s = time.monotonic()
    data = read_to_end(send_head(hasty_host, text))
    assert data.count(b"HTTP/1.1 408 ") == 1
    assert data.count(b"HTTP/1.1 200 ") == text.count("\n\n")
    assert time.monotonic() - begun_s < 10


def test_a_connection_that_says_nothing_is_closed(hasty_host):
    connection = socket.create_connection(("127.0.0.1", hasty_host.port), timeout=10)
    assert read_to_end(connection) == b""


def test_a_request_between_two_slow_ones_is_served(hasty_host):
    """The time of a head begins with its first byte, not with the last request."""
    with send_head(hasty_host, "GET /hello HTTP/1.1\nhost: x\n\n") as connection:
        for _ in range(3):
            assert read_response(connection)[0] == 200
            time.sleep(0.7)
            connection.sendall(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")


@pytest.mark.parametrize("count", [3, 200])
def test_a_response_that_nobody_takes_does_not_keep_its_connection(hasty_host, count):
    head = f"GET /stream?count={count}&size=100000 HTTP/1.1\nhost: x\nconnection: close\n\n"
    server = psutil.Process(hasty_host.pid)

    def is_closed():
        return not [c for c in server.net_connections() if c.status == "ESTABLISHED"]

    with socket.create_connection(("127.0.0.1", hasty_host.port), timeout=10) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(head.replace("\n", "\r\n").encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        wait_until(is_closed, limit_s=15, what="the end of a connection that takes nothing")


def test_a_response_that_does_not_go_on_ends_its_connection(hasty_host):
    begun_s = time.monotonic()
    with send_head(hasty_host, "GET /quiet HTTP/1.1\nhost: x\n\n") as connection:
        data = read_to_end(connection)
    assert b"begun" in data
    assert not data.endswith(b"0\r\n\r\n")  # nobody takes it for a whole one
    assert time.monotonic() - begun_s < 10


def test_a_response_that_is_taken_too_slowly_ends_its_connection(hasty_host):
    """At 400 bytes a second, where 1 KiB is the least."""
    head = "GET /stream?count=200&size=100000 HTTP/1.1\r\nhost: x\r\n\r\n"
    server = psutil.Process(hasty_host.pid)
    with socket.create_connection(("127.0.0.1", hasty_host.port), timeout=10) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(head.encode())

        def is_closed():
            client.recv(40)
            time.sleep(0.1)
            return not [c for c in server.net_connections() if c.status == "ESTABLISHED"]

        wait_until(is_closed, limit_s=15, what="the end of a connection that takes too little")
