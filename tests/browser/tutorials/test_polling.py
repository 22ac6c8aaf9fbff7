"""Long polling: requests that wait until something happens."""

import socket
import threading

import pytest
import requests

from tests.browser.held_requests import HeldRequests
from tests.browser.tutorials.conftest import LIVE
from tests.processes import wait_until

RINGS = "#rings li"


@pytest.fixture
def waiting(demo):
    """How many requests wait."""

    def waiting():
        return requests.get(f"{demo.url}/polling/waiting/", timeout=20).json()["waiting"]

    wait_until(lambda: waiting() == 0, what="the last test's requests to be forgotten")
    return waiting


class Poll:
    """A request for /poll/, as curl would make it."""

    def __init__(self, url):
        self.answer = None
        self._thread = threading.Thread(target=self._ask, args=[url])
        self._thread.start()

    def _ask(self, url):
        self.answer = requests.get(url, timeout=20)

    def wait(self):
        self._thread.join()
        return self.answer.json()["rings"]


def ring(browser, text):
    browser.fill(text=text)
    browser.click("#ring button")


def test_ring_answers_all_who_wait(browsers, visit, demo, waiting):
    for browser in browsers:
        visit(browser, "/polling/")
    curl = Poll(f"{demo.url}/poll/")
    wait_until(lambda: waiting() == 3, what=waiting)
    for text in ("Dinner <b>is</b> ready", "Really"):
        ring(browsers[0], text)
        for browser in browsers:
            browser.wait_for_text(text, within=RINGS)
    assert curl.wait()[-1]["text"] == "Dinner <b>is</b> ready"
    wait_until(lambda: waiting() == 2, what=waiting)
    browsers[0].wait_for_text("2", within="#waiting")


def test_page_pauses_if_the_site_refuses_its_request_at_once(browser, demo):
    browser.run_before_pages(
        "window.isRefusing = true; const realFetch = window.fetch;"
        "window.fetch = (url, options) => isRefusing && url.startsWith('/poll/')"
        " ? new Promise(r => setTimeout(() => r(new Response('', { status: 503 }))))"
        " : realFetch(url, options)"
    )
    browser.open(f"{demo.url}/polling/")
    browser.find('#state[data-state="waiting"]')
    browser.run("window.isRefusing = false")
    browser.find(LIVE)
    ring(browser, "Dinner")
    browser.wait_for_text("Dinner", within=RINGS)


def test_page_asks_again_at_once_if_nobody_rang_for_long(browser, visit):
    polls = HeldRequests(browser, "/poll/")
    visit(browser, "/polling/")
    polls.wait()
    browser.run("const now = Date.now; Date.now = () => now() + 120_000")
    polls.answer(503)
    assert browser.run("return window.held.length") == 1
    assert browser.all(LIVE)


@pytest.mark.parametrize(("status", "left"), [(204, "two"), (503, "one two")])
def test_ring_that_is_refused_is_put_back_before_what_was_typed_since(browser, visit, status, left):
    rings = HeldRequests(browser, "POST ")
    visit(browser, "/polling/")
    ring(browser, "one")
    rings.wait()
    browser.find("#ring [name=text]").send_keys("two")
    rings.answer(status)
    assert browser.find("#ring [name=text]").get_attribute("value") == left


def test_client_that_goes_is_forgotten(browser, visit, demo, waiting):
    visit(browser, "/polling/")
    wait_until(lambda: waiting() == 1, what=waiting)
    with socket.create_connection(("127.0.0.1", demo.servers[-1].port)) as curl:
        curl.sendall(b"GET /poll/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_until(lambda: waiting() == 2, what=waiting)
    wait_until(lambda: waiting() == 1, what=waiting)
    browser.open("about:blank")
    wait_until(lambda: waiting() == 0, what=waiting)


def test_who_asks_for_what_was_rung_before_is_answered_at_once(browser, visit, demo, waiting):
    visit(browser, "/polling/")
    ring(browser, "one")
    browser.wait_for_text("one", within=RINGS)
    ring(browser, "two")
    browser.wait_for_text("two", within=RINGS)
    last = requests.get(f"{demo.url}/poll/?after=0", timeout=20).json()["rings"][-2:]
    assert [one["text"] for one in last] == ["one", "two"]
    after = requests.get(f"{demo.url}/poll/?after={last[0]['id']}", timeout=20).json()
    assert after == {"rings": last[1:]}


@pytest.mark.parametrize("after", ["", "x", "-1", "99999999999999999999", "٣"])
def test_odd_after_waits_like_none(demo, waiting, after):
    poll = Poll(f"{demo.url}/poll/?after={after}")
    wait_until(lambda: waiting() == 1, what=waiting)
    code = "from channels import Channel; Channel('bell').send({'text': 'ding'})"
    demo.manage("shell", "-c", code)
    assert poll.wait()[-1]["text"] == "ding"


def test_only_get_waits(demo):
    assert requests.post(f"{demo.url}/poll/", timeout=20).status_code in (403, 404)
