"""The chat of the demo, without a browser: what its sockets and pages do with odd clients."""

import contextlib
import json
import re

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


@pytest.fixture
def session(demo):
    """A requests.Session that is logged in as amy."""
    with requests.Session() as session:
        url = f"{demo.url}/accounts/login/"
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', session.get(url).text)[1]
        form = {"username": "amy", "password": "demo-amy", "csrfmiddlewaretoken": token}
        assert session.post(url, form).url.endswith("/chat/")
        yield session


@pytest.fixture
def enter(demo, session):
    """Open a socket in a room, as amy; return it when it is in."""
    with contextlib.ExitStack() as stack:

        def enter(room="lobby", *, cookies=None, origin=demo.url):
            cookies = session.cookies.get_dict() if cookies is None else cookies
            header = "; ".join(f"{name}={value}" for name, value in cookies.items())
            url = f"{demo.ws_url}/chat/stream/{room}/"
            headers = {"Cookie": header} if header else {}
            return stack.enter_context(connect(url, origin=origin, additional_headers=headers))

        yield enter


def say(socket, text, **more):
    socket.send(json.dumps({"type": "say", "text": text, **more}))


def next_event(socket, kind):
    """Return the next event of a kind that comes in."""
    while True:
        event = json.loads(socket.recv(timeout=20))
        if event["type"] == kind:
            return event


def close_code(socket):
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(timeout=20)
    return closed.value.rcvd.code


def test_message_that_is_sent_again_is_not_said_twice(enter, session, demo):
    socket = enter()
    say(socket, "only once", key="the-same")
    first = next_event(socket, "message")
    say(socket, "only once", key="the-same")
    say(socket, "next")
    assert next_event(socket, "message") == first
    assert next_event(socket, "message")["text"] == "next"
    history = session.get(f"{demo.url}/chat/room/lobby/messages/").json()["messages"]
    assert [message["text"] for message in history].count("only once") == 1


def test_burst_from_one_socket_comes_back_in_order_once_each(enter):
    socket = enter()
    for number in range(80):
        say(socket, f"burst {number}")
    said = [next_event(socket, "message")["text"] for _ in range(80)]
    assert said == [f"burst {number}" for number in range(80)]


def test_socket_of_somebody_who_is_not_logged_in_is_closed_with_4001(enter):
    assert close_code(enter(cookies={})) == 4001


def test_socket_to_a_room_that_is_not_there_is_closed_with_4004(enter):
    assert close_code(enter("nowhere")) == 4004


def test_socket_from_a_foreign_page_is_refused(enter):
    with pytest.raises(InvalidStatus) as refused:
        enter(origin="https://evil.example")
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_text_that_is_empty_or_too_long_is_refused_with_the_limit(enter, text):
    socket = enter()
    say(socket, text)
    assert "1 to 2000 characters" in next_event(socket, "error")["text"]


@pytest.mark.parametrize("frame", ["{", "1", "[]", '"x"', "null", "{}", b"\xff\x00"])
def test_frame_that_is_no_event_is_refused_and_the_socket_goes_on(enter, frame):
    socket = enter()
    socket.send(frame)
    assert "JSON" in next_event(socket, "error")["text"]
    say(socket, "still here")
    assert next_event(socket, "message")["text"] == "still here"


@pytest.mark.parametrize("query", ["after=x", "before=", "before=1.5"])
def test_history_from_no_number_is_not_found(session, demo, query):
    answer = session.get(f"{demo.url}/chat/room/lobby/messages/?{query}")
    assert answer.status_code == 404
