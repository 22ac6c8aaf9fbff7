"""HTTP through an ASGI application on the split."""

import pytest
import requests

from tests.split.conftest import LIMIT_S, Getting, get


@pytest.fixture
def server(site):
    site.env["ASGI_APPLICATION"] = "tests.split.hosted.site.http_asgi.application"
    server = site.start_server()
    site.start_worker("--threads", "2")
    return server


def test_class_consumers_and_djangos_views_answer(server):
    large = b"x" * 1_000_000
    answer = requests.post(server.url + "/echo/", data=large, timeout=LIMIT_S)
    assert answer.content == b"echo: " + large
    assert answer.headers["x-kind"] == "class"
    assert get(server, "/hello/").text == "hello"


def test_server_sent_events_come_one_by_one(server):
    with requests.get(server.url + "/events/", stream=True, timeout=LIMIT_S) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert lines == [b"data: 0", b"data: 1", b"data: 2"]


def test_a_long_poll_is_answered_by_a_message_to_its_group(server, notes, layer):
    poll = Getting(server, "/poll/")
    notes.expect("polls")
    layer.send_group("polls", {"type": "poll.answer", "text": "now"})
    assert poll.result().text == "now"


def test_a_consumer_that_waits_learns_that_its_client_has_left(server, notes):
    with pytest.raises(requests.Timeout):
        requests.get(server.url + "/poll/", timeout=1.0)
    notes.expect("poller left")


def test_a_consumer_that_fails_is_answered_for_with_500(server):
    assert get(server, "/failing/").status_code == 500
