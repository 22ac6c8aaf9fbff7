"""Each step of the getting-started tutorial keeps its promise, served in both ways it names."""

import contextlib
import json
import sqlite3
import subprocess

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.acceptance.wheel import clean_environment

LIMIT_S = 20


def open_socket(site, path="/", **kwargs):
    return connect(
        site.ws_url + path, open_timeout=LIMIT_S, close_timeout=LIMIT_S, proxy=None, **kwargs
    )


def say(socket, text):
    """Send to a group that the socket is in; return what came back."""
    socket.send(text)
    return socket.recv(LIMIT_S)


def log_in(site, name):
    """Log in as a person would, in the admin; return the headers of the browser's next request."""
    with requests.Session() as session:
        url = f"{site.url}/admin/login/?next=/admin/"
        session.get(url, timeout=LIMIT_S)
        form = {
            "username": name,
            "password": f"secret of {name}",
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        page = session.post(url, form, timeout=LIMIT_S)
        assert name.upper() in page.text.upper()
        return session.cookies["sessionid"]


def with_cookie(session_key):
    return {"additional_headers": {"Cookie": f"sessionid={session_key}"}}


def test_the_wheel_is_what_runs(installed, tmp_path):
    code = "import channels, interface_server, routing, worker as w; print(channels, w)"
    command = [installed, "-c", code]
    found = subprocess.run(
        command, cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, text=True
    ).stdout
    assert found.count(str(installed.parent.parent)) == 2


@pytest.mark.step("step_0_concepts")
def test_step_0_a_consumer_runs_a_view_and_a_saved_model_reaches_its_readers(site):
    with open_socket(site) as ann, open_socket(site) as ben:
        page = requests.post(site.url, {"content": "news"}, timeout=LIMIT_S)
        update = json.loads(ann.recv(LIMIT_S))
        assert page.text == f"update {update['id']}"
        assert update == json.loads(ben.recv(LIMIT_S)) == {"id": 1, "content": "news"}


@pytest.mark.step("step_1_http")
def test_step_1_every_request_is_answered_by_the_consumer(site):
    for path in ("/", "/some/where/"):
        page = requests.get(site.url + path, timeout=LIMIT_S)
        assert (page.status_code, page.text) == (200, f"Hello world! You asked for {path}")


@pytest.mark.step("step_2_websocket")
def test_step_2_a_socket_gets_back_what_it_sends(site):
    with open_socket(site, "/any/path/") as socket:
        assert [say(socket, "hello"), say(socket, "grüezi ☃")] == ["hello", "grüezi ☃"]


@pytest.mark.step("step_3_groups")
def test_step_3_everybody_in_the_chat_gets_each_message(site):
    with open_socket(site) as ann, open_socket(site) as ben:
        assert say(ben, "I am ben") == "[user] I am ben" == ann.recv(LIMIT_S)
        assert say(ann, "hello") == "[user] hello" == ben.recv(LIMIT_S)
        ben.close()
        assert say(ann, "alone") == "[user] alone"
    assert "django" in requests.get(site.url, timeout=LIMIT_S).text.lower()


@pytest.mark.step("step_4_persistence")
def test_step_4_rooms_and_names_come_from_the_url_and_are_kept_in_the_session(site):
    with (
        open_socket(site, "/garden/?username=ann") as ann,
        open_socket(site, "/garden/?username=ben") as ben,
        open_socket(site, "/kitchen/?username=cid") as cid,
    ):
        assert say(ben, "in the garden") == "in the garden" == ann.recv(LIMIT_S)
        assert say(cid, "in the kitchen") == "in the kitchen"
        assert say(ann, "again") == "again" == ben.recv(LIMIT_S)
    with open_socket(site, "/garden/") as nameless, pytest.raises(ConnectionClosed):
        nameless.recv(LIMIT_S)


def chat_by_letters(site):
    anna, adam, ben = (log_in(site, name) for name in ("anna", "adam", "ben"))
    with (
        open_socket(site, origin=site.url, **with_cookie(anna)) as anna,
        open_socket(site, f"/?session_key={adam}", origin=site.url) as adam,
        open_socket(site, origin=site.url, **with_cookie(ben)) as ben,
    ):
        assert say(adam, "dear a") == "dear a" == anna.recv(LIMIT_S)
        assert say(ben, "dear b") == "dear b"
        assert say(anna, "dear adam") == "dear adam" == adam.recv(LIMIT_S)


@pytest.mark.step("step_5_authentication")
def test_step_5_people_chat_with_those_of_their_letter(site):
    chat_by_letters(site)


@pytest.mark.step("step_6_security")
def test_step_6_so_they_do_but_from_pages_of_another_site(site):
    chat_by_letters(site)
    anna = log_in(site, "anna")
    for origin in ("http://evil.example", None):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(site, origin=origin, **with_cookie(anna))
        assert refused.value.response.status_code == 403


@pytest.mark.step("step_7_routing")
def test_step_7_paths_and_methods_choose_the_consumer(site):
    with open_socket(site, "/chat/lobby/") as lobby:
        assert lobby.recv(LIMIT_S) == "welcome to lobby"
        assert requests.post(site.url + "/poll/", timeout=LIMIT_S).text == "polled"
        assert lobby.recv(LIMIT_S) == "somebody polled"
        assert requests.get(site.url + "/poll/", timeout=LIMIT_S).status_code == 404
        with open_socket(site, "/chat/kitchen/") as kitchen:
            assert kitchen.recv(LIMIT_S) == "welcome to kitchen"
        assert lobby.recv(LIMIT_S) == "somebody left"


@pytest.mark.step("step_8_models")
def test_step_8_messages_are_kept_and_come_from_anywhere(site):
    expected = [("garden", "hello")]
    with open_socket(site, "/garden/") as ann, open_socket(site, "/garden") as ben:
        assert say(ben, "hello") == "hello" == ann.recv(LIMIT_S)
        if site.has_workers:
            code = (
                "from channels import Channel\n"
                "Channel('chat-messages').send({'room': 'garden', 'message': 'from a bot'})"
            )
            site.split.manage("shell", "-v", "0", "-c", code)
            assert ann.recv(LIMIT_S) == "from a bot" == ben.recv(LIMIT_S)
            expected.append(("garden", "from a bot"))
    with contextlib.closing(sqlite3.connect(site.split.directory / "db.sqlite3")) as database:
        kept = database.execute("SELECT room, message FROM myapp_chatmessage ORDER BY id")
        assert kept.fetchall() == expected


@pytest.mark.step("step_9_ordering")
def test_step_9_the_messages_of_a_socket_are_consumed_in_their_order(site):
    with open_socket(site) as socket:
        words = [str(number) for number in range(40)]
        for word in words:
            socket.send(word)
        answers = [socket.recv(LIMIT_S) for _ in words]
    assert answers == [" ".join(words[: n + 1]) for n in range(40)]
