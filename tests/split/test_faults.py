"""Workers that are killed, channels that are full, clients that vanish, a Redis that is late."""

import concurrent.futures
import contextlib
import socket as sockets
import struct
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from channels.layers.redis import RedisChannelLayer
from tests.processes import RedisServer, wait_until
from tests.split.conftest import LIMIT_S, Getting, ask, get, open_socket


def test_a_killed_worker_loses_what_it_ran_and_nothing_else(site, notes):
    server = site.start_server("--http-timeout", "6")
    doomed, other = site.start_worker(), site.start_worker("--exclude-channels=http.*")
    with open_socket(server) as socket:
        lost = Getting(server, "/hold/")
        notes.expect("http.request", path="/hold/")
        doomed.kill()
        waiting = Getting(server)
        site.start_worker("--only-channels=http.*")
        assert waiting.result().status_code == 200
        assert lost.result().status_code == 503
        assert ask(socket) == f"{other.pid} hello"


def test_a_socket_outlives_the_worker_that_is_killed_with_one_of_its_frames(site, notes):
    server = site.start_server()
    doomed = site.start_worker()
    with open_socket(server) as socket:
        socket.send("hold")
        notes.expect("websocket.receive", text="hold")
        doomed.kill()
        new = site.start_worker()
        assert ask(socket, "next") == f"{new.pid} next"
    notes.expect("websocket.disconnect", pid=new.pid)


@pytest.mark.parametrize("host", ["daphne", "uvicorn"])
def test_a_server_stops_soon_though_nobody_takes_the_disconnects(make_site, host):
    site = make_site(layer={"channel_capacity": {"websocket.disconnect": 1}})
    server = site.start_server(server=host)
    site.start_worker()
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(open_socket(server))
        site.stop_workers()
        began = time.monotonic()
        assert server.stop(LIMIT_S) == 0
        assert time.monotonic() - began < 10.0
    assert "2 of 2 disconnects could not be sent" in server.log


@pytest.fixture
def small(make_site):
    """A site whose channels hold two messages; nothing is started yet."""
    return make_site(layer={"capacity": 2, "channel_capacity": {"websocket.receive": 2}})


def test_a_full_http_request_turns_requests_away(small):
    server = small.start_server()
    pages = [Getting(server) for _ in range(4)]
    wait_until(lambda: sum(not page.is_waiting for page in pages) == 2)
    refused = [page.result() for page in pages if not page.is_waiting]
    assert [response.status_code for response in refused] == [503, 503]
    assert all(int(response.headers["Retry-After"]) > 0 for response in refused)
    small.start_worker()
    assert sorted(page.result().status_code for page in pages) == [200, 200, 503, 503]


def test_a_full_websocket_connect_turns_handshakes_away(small):
    server = small.start_server()
    with concurrent.futures.ThreadPoolExecutor(4) as clients:
        handshakes = [clients.submit(_try_to_open, server) for _ in range(4)]
        wait_until(lambda: sum(handshake.done() for handshake in handshakes) == 2)
        refusals = [handshake.result() for handshake in handshakes if handshake.done()]
        assert [refusal.status_code for refusal in refusals] == [503, 503]
        assert all(int(refusal.headers["Retry-After"]) > 0 for refusal in refusals)
        small.start_worker()
        opened = [handshake.result() for handshake in handshakes]
    assert opened.count("opened") == 2


def _try_to_open(server):
    """Return "opened", or the response that refuses the handshake."""
    try:
        with open_socket(server):
            return "opened"
    except InvalidStatus as refusal:
        return refusal.response


def test_a_full_websocket_receive_holds_the_client_and_then_closes_it_with_1013(small):
    server, worker = small.start_server("--websocket-patience", "2"), small.start_worker()
    with open_socket(server) as socket:
        worker.stop()
        for number in range(3):
            socket.send(str(number))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
        assert closed.value.rcvd.code == 1013


@pytest.mark.parametrize("host", ["daphne", "uvicorn"])
def test_a_response_that_fails_half_way_is_not_taken_for_a_whole_one(make_site, host):
    site = make_site(ROUTING="tests.split.site.routing.views_only")
    server = site.start_server(server=host)
    worker = site.start_worker()
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(server, "/stream-failing/")
    worker.wait_for_log("the stream is broken")
    assert get(server).status_code == 200


def test_a_client_that_vanishes_in_mid_response_frees_the_worker(site, notes):
    server = site.start_server()
    site.start_worker()
    with requests.get(server.url + "/stream/", stream=True, timeout=LIMIT_S) as response:
        next(response.iter_content(1024))
    notes.expect("stream ended")
    assert get(server).status_code == 200


def test_a_client_that_vanishes_in_mid_upload_frees_the_worker(site, notes):
    server = site.start_server()
    site.start_worker()
    with sockets.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST /upload/ HTTP/1.1\r\nHost: x\r\nContent-Length: {10**9}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 2_000_000)
        notes.expect("http.request", path="/upload/")
        # Reset, not closed: as when a phone loses its network and comes back.
        connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    notes.expect("upload broke off")
    whole = requests.post(server.url + "/upload/", b"x" * 2_000_000, timeout=LIMIT_S)
    assert whole.text == "2000000"


@pytest.mark.parametrize("is_length_known", [True, False])
@pytest.mark.parametrize("host", ["daphne", "uvicorn"])
def test_an_upload_that_expires_before_its_view_reads_it_gets_500(make_site, host, is_length_known):
    site = make_site(
        layer={"channel_expiry": {"http.request.body?*": 0.4}},
        ROUTING="tests.split.site.routing.views_only",
    )
    server = site.start_server(server=host)
    worker = site.start_worker()
    body = b"x" * 2_000_000
    data = body if is_length_known else iter([body[:1_000_000], body[1_000_000:]])
    began = time.monotonic()
    answer = requests.post(server.url + "/upload-late/", data, timeout=LIMIT_S)
    assert answer.status_code == 500
    assert time.monotonic() - began < 10.0
    worker.wait_for_log("2000000 bytes of the request body are missing after the first 0")


def test_server_and_worker_wait_for_a_redis_that_is_not_there_yet(make_site):
    late = RedisServer()
    try:
        site = make_site(redis=late)
        server, worker = site.start_server(), site.start_worker()
        response = get(server)
        assert response.status_code == 503 and int(response.headers["Retry-After"]) > 0
        for process in (server, worker):
            process.wait_for_log(r"(?i)redis at unix:\S+ is unreachable .*trying again")
            assert process.is_running
        late.start()
        assert wait_until(lambda: get(server).text == str(worker.pid), limit_s=LIMIT_S)
        with open_socket(server) as socket:
            assert ask(socket) == f"{worker.pid} hello"
    finally:
        site.stop()
        late.__exit__()


def test_a_message_that_can_not_be_unpacked_is_counted_logged_and_dropped(
    make_site, redis_server, layer, notes
):
    site = make_site(layer={"symmetric_encryption_keys": ["ours"]})
    keys = {"symmetric_encryption_keys": ["theirs"]}
    stranger = RedisChannelLayer(hosts=[redis_server.url], **keys)
    friend = RedisChannelLayer(hosts=[redis_server.url], symmetric_encryption_keys=["ours"])
    for sender, name in ((stranger, "undecipherable"), (layer, "plain"), (friend, "good")):
        sender.send("work", {"name": name})
    worker = site.start_worker()
    notes.expect("ended", name="good")
    assert [note["name"] for note in notes.find("began")] == ["good"]
    worker.wait_for_log("which is not among this process.s symmetric_encryption_keys")
    wait_until(lambda: friend.channel_statistics("work")["undecodable_count"] == 2)
    assert worker.is_running
    stranger.close()
    friend.close()
