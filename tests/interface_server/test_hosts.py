"""The interface server under real host servers, over real connections."""

import contextlib
import hashlib
import json
import signal
import socket
import struct
import time
import uuid

import psutil
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.interface_server.conftest import start_host

MIB = 1024 * 1024


@pytest.fixture
def path():
    """A path of the test's own, to find its records by."""
    return f"/{uuid.uuid4().hex}"


@pytest.fixture
def open_socket():
    """Open a WebSocket on a host's path: returns it, and what its consumer greeted it with."""
    with contextlib.ExitStack() as stack:

        def run(host, path):
            client = connect(host.ws_url + path, open_timeout=10, max_size=None)
            client = stack.enter_context(client)
            return client, json.loads(client.recv(timeout=10))

        yield run


def code_of(client):
    """Read until the socket is closed; return the code that it was closed with."""
    try:
        while True:
            client.recv(timeout=10)
    except ConnectionClosed as error:
        return error.rcvd.code if error.rcvd else 1006


def send_head(host, text):
    """Return a TCP connection on which a request's head has been sent."""
    connection = socket.create_connection(("127.0.0.1", host.port), timeout=10)
    connection.sendall(text.replace("\n", "\r\n").encode())
    return connection


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise AssertionError(f"closed after {data!r}")
        data += piece
    return data.partition(b"\r\n\r\n")[0].decode("latin-1").lower()


def memory_of(host):
    process = psutil.Process(host.pid)
    return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])


# -- HTTP ---------------------------------------------------------------------------------------


def test_a_page_and_its_request_arrive_whole(any_host):
    response = requests.get(any_host.url + "/facts/%C3%A4?x=%20y", timeout=10)
    facts = response.json()
    assert response.headers["content-type"] == "text/plain"
    assert facts["path"] == "/facts/ä"
    assert facts["query_string"] == "x=%20y"
    assert (facts["method"], facts["http_version"], facts["scheme"]) == ("GET", "1.1", "http")
    assert facts["client"][0] == facts["server"][0] == "127.0.0.1"
    assert facts["server"][1] == any_host.port


def test_one_connection_serves_many_requests(main_host):
    with requests.Session() as session:
        ports = [
            session.get(main_host.url + "/facts", timeout=10).json()["client"][1] for _ in "abc"
        ]
    assert len(set(ports)) == 1


def test_head_has_no_body_and_the_connection_goes_on(main_host):
    with requests.Session() as session:
        response = session.head(main_host.url + "/hello", timeout=10)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-length"] == "5"
        assert session.get(main_host.url + "/hello", timeout=10).text == "hello"


@pytest.mark.parametrize("size", [0, 1, 70_000, 300_000, 3 * MIB])
def test_a_body_arrives_whole(any_host, size):
    data = b"0123456789" * (size // 10) + b"x" * (size % 10)
    answer = requests.post(any_host.url + "/upload", data=data, timeout=10).text
    assert answer == f"{size} {hashlib.md5(data, usedforsecurity=False).hexdigest()}"


def test_a_chunked_body_arrives_whole_and_the_connection_goes_on(main_host):
    pieces = [b"x" * 50_000] * 20
    with requests.Session() as session:
        for _ in range(2):
            answer = session.post(main_host.url + "/upload", data=iter(pieces), timeout=10).text
            assert answer.split()[0] == "1000000"


def test_a_form_of_two_megabytes_arrives_whole(main_host):
    body = b"a=" + b"%20" * (700_000)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = requests.post(main_host.url + "/upload", data=body, headers=headers, timeout=10)
    assert response.text.split()[0] == str(len(body))


def test_a_stream_arrives_whole(any_host):
    response = requests.get(any_host.url + "/stream?count=50&size=100000", timeout=10)
    assert response.content == b"".join(b"%d" % (n % 10) * 100_000 for n in range(50))


def test_a_stream_to_a_client_that_does_not_read_takes_little_memory(main_host):
    before = memory_of(main_host)
    head = "GET /stream?count=3000&size=100000 HTTP/1.1\nhost: x\n\n"
    with send_head(main_host, head):
        most = watch_memory(main_host, for_s=0.7)
    assert most - before < 60 * MIB  # of 300 MB


def watch_memory(host, for_s):
    """Return the most memory that a host takes in the next seconds."""
    deadline, most = time.monotonic() + for_s, 0
    while time.monotonic() < deadline:
        most = max(most, memory_of(host))
        time.sleep(0.02)
    return most


def test_a_client_that_leaves_in_the_middle_of_a_stream_stops_its_sender(main_host):
    seen = len(main_host.records("/stream", "gone"))
    connection = send_head(main_host, "GET /stream?count=3000&size=100000 HTTP/1.1\nhost: x\n\n")
    read_head(connection)
    connection.close()
    main_host.expect_record("/stream", "gone", seen + 2)  # http.disconnect, and what the sender saw
    records = main_host.records("/stream", "gone")[seen:]
    assert all(record.get("sent", 0) < 3000 for record in records)


def test_a_client_that_leaves_while_it_waits_is_told_to_the_consumers(main_host):
    asked = len(main_host.records("/never", "asked"))
    connection = send_head(main_host, "GET /never HTTP/1.1\nhost: x\n\n")
    main_host.expect_record("/never", "asked", asked + 1)
    told = len(main_host.records("/never", "gone"))
    connection.close()
    main_host.expect_record("/never", "gone", told + 1)


def test_a_response_that_ends_too_soon_ends_its_connection(main_host):
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(main_host.url + "/broken", timeout=10)


def test_a_response_that_fails_half_way_ends_its_connection_without_its_last_chunk(main_host):
    with send_head(main_host, "GET /failing?begun=1 HTTP/1.1\nhost: x\n\n") as connection:
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    assert b"0\r\n\r\n" not in answer
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(main_host.url + "/failing?begun=1", timeout=10)


def test_a_response_that_fails_before_it_begins_is_500(main_host):
    with requests.Session() as session:
        assert session.get(main_host.url + "/failing", timeout=10).status_code == 500
        assert session.get(main_host.url + "/hello", timeout=10).text == "hello"


def test_a_wrong_reply_is_500_and_no_exception_in_the_hosts_log(main_host):
    assert requests.get(main_host.url + "/wrong", timeout=10).status_code == 500
    assert "Traceback" not in main_host.log


def test_a_client_that_leaves_in_the_middle_of_its_upload_is_told_to_its_reader(our_host):
    before = {
        what: len(our_host.records("/upload", what)) for what in ("reading", "closed", "gone")
    }
    connection = send_head(our_host, "POST /upload HTTP/1.1\nhost: x\ncontent-length: 9000000\n\n")
    connection.sendall(b"x" * 1_000_000)
    our_host.expect_record("/upload", "reading", before["reading"] + 1)
    connection.close()
    our_host.expect_record("/upload", "closed", before["closed"] + 1)
    our_host.expect_record("/upload", "gone", before["gone"] + 1)


def test_an_upload_to_a_slow_reader_takes_little_memory(our_host):
    before, size = memory_of(our_host), 100 * MIB
    head = f"POST /upload?delay=0.001 HTTP/1.1\nhost: x\ncontent-length: {size}\n\n"
    grown = []
    with send_head(our_host, head) as connection:
        for _ in range(100):
            connection.sendall(b"x" * MIB)
            grown.append(memory_of(our_host) - before)
        assert "200" in read_head(connection)
    assert max(grown) < 40 * MIB


def test_a_body_over_the_limit_gets_413_before_it_is_sent(start, server_kind):
    host = start("--server", server_kind, "--max-body-bytes", "1000000")
    head = "POST /upload HTTP/1.1\nhost: x\ncontent-length: 1000001\nexpect: 100-continue\n\n"
    with send_head(host, head) as connection:
        answer = read_head(connection)
    assert answer.startswith("http/1.1 413")
    assert "connection: close" in answer
    assert requests.post(host.url + "/upload", data=b"x" * 1_000_000, timeout=10).status_code == 200


def test_a_chunked_body_over_the_limit_gets_413(start, server_kind):
    host = start("--server", server_kind, "--max-body-bytes", "1000000")
    pieces = iter([b"x" * 100_000] * 30)
    response = requests.post(host.url + "/upload", data=pieces, timeout=10)
    assert response.status_code == 413
    assert requests.get(host.url + "/hello", timeout=10).text == "hello"


def test_no_reply_in_time_gets_503(start, server_kind):
    host = start("--server", server_kind, "--http-timeout", "0.3")
    response = requests.get(host.url + "/never", timeout=10)
    assert response.status_code == 503
    assert "retry-after" in response.headers


def test_a_head_that_takes_too_long_ends_its_connection_and_no_other(start, server_kind):
    host = start("--server", server_kind, "--head-timeout", "0.2")
    waiting = send_head(host, "GET /hello?after=2.5 HTTP/1.1\nhost: x\n\n")
    dawdling = send_head(host, "GET /hello HTTP/1.1\nhost: x\n")
    silent = socket.create_connection(("127.0.0.1", host.port), timeout=10)
    assert read_to_end(dawdling).startswith(b"HTTP/1.1 408 ")
    assert read_to_end(silent) == b""
    assert "200" in read_head(waiting)
    waiting.close()


def read_to_end(connection):
    """Return all that comes until a connection is closed, and close it."""
    data = b""
    with connection, contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            data += piece
    return data


def test_a_trickled_head_is_no_longer_waited_for_than_one_that_stops(start, server_kind):
    host = start("--server", server_kind, "--head-timeout", "1")
    begun = time.monotonic()
    with send_head(host, "GET /hello HTTP/1.1\nhost: x\nx-long: ") as connection:
        connection.settimeout(0.1)
        answer = trickle(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begun < 8


def trickle(connection):
    """Send a byte ten times a second until there is an answer; return that."""
    for _ in range(100):
        connection.sendall(b"x")
        with contextlib.suppress(TimeoutError):
            return connection.recv(65536)
    raise AssertionError("no answer to a request that does not end")


def test_a_head_without_end_is_answered_and_ends_its_connection(start, server_kind):
    host = start("--server", server_kind)
    connection = send_head(host, "GET /hello HTTP/1.1\nx-long: ")
    deadline = time.monotonic() + 10
    with pytest.raises((ConnectionError, BrokenPipeError)):
        while time.monotonic() < deadline:
            connection.sendall(b"x" * 10_000)
            time.sleep(0.001)
    connection.close()
    assert requests.get(host.url + "/hello", timeout=10).text == "hello"
    assert "its headers are larger than 65536 bytes; its client gets 431" in host.log


# -- WebSocket ----------------------------------------------------------------------------------


def test_frames_go_both_ways_and_a_leaving_client_gives_one_disconnect(open_socket, any_host, path):
    client, greeting = open_socket(any_host, path)
    assert greeting == [["127.0.0.1", client.socket.getsockname()[1]], "ws", "", path]
    for frame in ("hallo", "ä" * 70_000, b"\0\xff", "x" * 200_000):
        client.send(frame)
        assert client.recv(timeout=10) == frame
    client.close(3456)
    record = any_host.expect_record(path)
    assert (record["what"], record["order"]) == ("left", 5)
    assert record["code"] == 3456 or "hypercorn" in any_host.command  # which always says 1006
    assert len(any_host.records(path)) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013, 3000, 4001])
def test_a_close_code_reaches_the_client_and_the_consumer(open_socket, main_host, path, code):
    client, _ = open_socket(main_host, path)
    client.send(f"close {code}")
    assert code_of(client) == code
    assert main_host.expect_record(path)["code"] == code


def test_a_client_that_vanishes_gives_one_disconnect(open_socket, any_host, path):
    client, _ = open_socket(any_host, path)
    linger = struct.pack("ii", 1, 0)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    client.socket.shutdown(socket.SHUT_RDWR)
    assert any_host.expect_record(path)["code"] in (1005, 1006)


def test_a_refused_handshake_is_403(any_host):
    seen = len(any_host.records("/refuse"))
    with pytest.raises(InvalidStatus) as error, connect(any_host.ws_url + "/refuse"):
        pass
    assert error.value.response.status_code == 403
    assert any_host.expect_record("/refuse", count=seen + 1)["code"] == 1006


def test_a_handshake_without_an_answer_is_503_with_retry_after(start, server_kind):
    host = start("--server", server_kind, "--websocket_connect_timeout", "0.3")
    with pytest.raises(InvalidStatus) as error, connect(host.ws_url + "/never"):
        pass
    assert error.value.response.status_code == 503
    assert error.value.response.headers["retry-after"] == "2"
    assert host.expect_record("/never")["code"] == 1006


def test_a_frame_over_the_limit_is_closed_with_1009(open_socket, start, server_kind, path):
    host = start("--server", server_kind, "--max-frame-bytes", "1000")
    client, _ = open_socket(host, path)
    client.send("x" * 1000)
    assert client.recv(timeout=10) == "x" * 1000
    client.send("x" * 1001)
    assert code_of(client) == 1009
    assert host.expect_record(path)["order"] == 2


def test_a_socket_is_closed_with_1000_when_its_life_is_over(open_socket, start, server_kind, path):
    host = start("--server", server_kind, "--websocket_timeout", "0.5")
    client, _ = open_socket(host, path)
    assert code_of(client) == 1000
    assert host.expect_record(path)["code"] == 1000


def test_a_subprotocol_of_the_settings_is_agreed_to(any_host, path):
    for offered, agreed in ((["other", "site.v1"], "site.v1"), (["other"], None)):
        with connect(any_host.ws_url + path, subprotocols=offered) as client:
            assert client.subprotocol == agreed


def test_more_frames_in_a_second_than_allowed_are_closed_with_1008(
    open_socket, start, server_kind, path
):
    host = start("--server", server_kind, "--max-frames-per-second", "50")
    client, _ = open_socket(host, path)
    other, _ = open_socket(host, path + "other")
    with contextlib.suppress(ConnectionClosed):
        for number in range(200):
            client.send(str(number))
    assert code_of(client) == 1008
    assert host.expect_record(path)["code"] == 1008
    other.send("still here")
    assert other.recv(timeout=10) == "still here"


def test_more_sockets_from_an_address_than_allowed_are_429_until_one_leaves(start, server_kind):
    host = start("--server", server_kind, "--max-sockets-per-address", "2")
    with connect(host.ws_url + "/a"):
        with connect(host.ws_url + "/b"):
            with pytest.raises(InvalidStatus) as error, connect(host.ws_url + "/c"):
                pass
            assert error.value.response.status_code == 429
        host.expect_record("/b")
        with connect(host.ws_url + "/d"):
            pass


def test_a_socket_that_does_not_read_is_closed_and_the_others_go_on(open_socket, main_host, path):
    slow, _ = open_socket(main_host, path)
    fast, _ = open_socket(main_host, path + "fast")
    before = memory_of(main_host)
    slow.send("flood 400")  # 40 MB
    for number in range(20):
        fast.send(str(number))
        assert fast.recv(timeout=10) == str(number)
    assert memory_of(main_host) - before < 60 * MIB
    assert main_host.expect_record(path)["code"] == 1013
    assert "Traceback" not in main_host.log
    slow.close_socket()


def test_compression_is_agreed_to_only_if_asked_for(start):
    for arguments, is_compressed in (((), False), (("--ws-compression",), True)):
        host = start("--server", "uvicorn", *arguments)
        with connect(host.ws_url + "/x") as client:
            assert ("sec-websocket-extensions" in client.response.headers) == is_compressed


def test_full_channels_are_503_with_retry_after(main_host, tmp_path):
    command = [part.replace(str(main_host.port), "{port}") for part in main_host.command]
    host = start_host(tmp_path, command, more_env={"CAPACITY": "0"})
    try:
        response = requests.get(host.url + "/hello", timeout=10)
        with pytest.raises(InvalidStatus) as error, connect(host.ws_url + "/x"):
            pass
    finally:
        host.kill()
    for refusal in (response, error.value.response):
        assert refusal.status_code == 503
        assert refusal.headers["retry-after"] == "2"
    assert host.records("/x") == []


# -- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_finish_closes_sockets_with_1001_and_ends_with_0(
    open_socket, start, server_kind, path, number
):
    host = start("--server", server_kind)
    client, _ = open_socket(host, path)
    connection = send_head(host, "GET /hello?after=0.5 HTTP/1.1\nhost: x\n\n")
    host.expect_record("/hello")
    host.send_signal(number)
    assert code_of(client) == 1001
    assert "200" in read_head(connection)
    connection.close()
    assert host.wait() == 0
    assert [record["code"] for record in host.records(path)] == [1001]
    assert host.log.count("Traceback") == 0


def test_connections_that_are_idle_do_not_keep_the_server(start, server_kind):
    host = start("--server", server_kind)
    with requests.Session() as session:
        session.get(host.url + "/hello", timeout=10)
        connection = send_head(host, "GET /hello HTTP/1.1\n")  # not even a whole head
        host.send_signal(signal.SIGTERM)
        assert host.wait(5) == 0
        assert connection.recv(100) == b""
        connection.close()
    assert "Traceback" not in host.log


def test_a_request_that_never_ends_does_not_keep_the_server_beyond_its_grace(start, server_kind):
    host = start("--server", server_kind, "--grace", "0.3")
    connection = send_head(host, "GET /never HTTP/1.1\nhost: x\n\n")
    host.expect_record("/never")
    host.send_signal(signal.SIGTERM)
    assert host.wait(8) == 0
    connection.close()


def test_every_main_host_sends_disconnects_when_it_stops(open_socket, main_host, tmp_path, path):
    command = [part.replace(str(main_host.port), "{port}") for part in main_host.command]
    host = start_host(tmp_path, command)
    try:
        client, _ = open_socket(host, path)
        host.send_signal(signal.SIGTERM)
        code_of(client)
        host.wait()
    finally:
        host.kill()
    assert len(host.records(path)) == 1
