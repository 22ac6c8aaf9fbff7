"""Class consumers behind an interface server, while nothing is restarted."""

import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.split.conftest import LIMIT_S, ask, get, open_socket


@pytest.fixture
def server(site):
    server = site.start_server()
    site.start_worker("--threads", "10")
    return server


def test_both_generations_share_groups_and_stand_side_by_side(server, open_json, layer):
    with open_socket(server, "/functions/") as function:
        function.send("hi")
        assert function.recv(LIMIT_S) == "function: hi"
        socket = open_json(server)
        socket.ask("joined")

        layer.send_group("all", {"type": "websocket.send", "text": '"no code"'})
        assert socket.next() == "no code"
        assert function.recv(LIMIT_S) == '"no code"'

        layer.send_group("all", {"text": '"from functions"'})
        assert socket.next() == "from functions"
        assert function.recv(LIMIT_S) == '"from functions"'

        layer.send_group("all", {"type": "group.message", "value": "handled"})
        assert socket.next()["value"] == "handled"


def test_a_consumer_with_a_method_of_its_own_sees_frames_that_need_no_code(server, layer):
    with open_socket(server, "/shouting/") as socket, open_socket(server, "/shouting/") as other:
        socket.ping().wait(LIMIT_S)
        layer.send_group("shouts", {"type": "websocket.send", "text": "hear"})
        assert (socket.recv(LIMIT_S), other.recv(LIMIT_S)) == ("HEAR", "HEAR")


def test_a_frame_that_no_layer_carries_is_refused_and_the_next_one_goes_out(server):
    with open_socket(server, "/repeating/") as socket:
        assert "larger than the" in ask(socket, str(1024 * 1024))
        assert ask(socket, "1000000") == "x" * 1_000_000


def test_closing_before_accepting_refuses_the_handshake(server):
    with pytest.raises(InvalidStatus) as refused, open_socket(server, "/refused/"):
        pass
    assert refused.value.response.status_code == 403


def test_what_is_sent_to_its_group_answers_no_handshake(server):
    with pytest.raises(InvalidStatus) as refused, open_socket(server, "/guarded/"):
        pass
    assert refused.value.response.status_code == 403
    with open_socket(server, "/guarded/?welcome") as socket:
        assert [socket.recv(LIMIT_S), socket.recv(LIMIT_S)] == ["come in", "welcome"]


def test_subprotocol_headers_code_and_reason_go_through_the_split(site):
    server = site.start_server(server="uvicorn")  # Daphne's handshake has no headers of its own
    site.start_worker()
    with connect(server.ws_url + "/polite/", subprotocols=["a", "b"], proxy=None) as socket:
        assert socket.subprotocol == "b"
        assert socket.response.headers["x-kind"] == "class"
        socket.send("this")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4005, "enough of this")
    with pytest.raises(InvalidStatus) as refused, open_socket(server, "/polite/?deny"):
        pass
    assert refused.value.response.status_code == 403


def test_a_handler_that_fails_closes_its_socket_with_1011(server):
    with open_socket(server, "/failing/") as socket:
        socket.send("x")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(LIMIT_S)
    assert closed.value.rcvd.code == 1011


def test_a_disconnect_reaches_the_instance(server, open_json, notes):
    socket = open_json(server)
    socket.ask("a")
    socket.raw.close(4001)
    assert notes.expect("disconnect")[0]["code"] == 4001


def test_sync_handlers_that_sleep_do_so_at_the_same_time(server):
    sockets = [open_socket(server, "/slow/") for _ in range(10)]
    opened = [socket.__enter__() for socket in sockets]
    began = time.monotonic()
    for socket in opened:
        socket.send("0.5")
    for socket in opened:
        assert socket.recv(LIMIT_S) == "0.5"
    assert time.monotonic() - began < 2.5
    for socket in sockets:
        socket.__exit__(None, None, None)


def test_requests_go_to_djangos_views_as_ever(server):
    assert get(server, "/hello/").text == "hello"


def test_an_interface_server_needs_no_code_of_the_project(site):
    site.asgi = None
    server = site.start_server()
    site.start_worker()
    assert get(server, "/hello/").text == "hello"
