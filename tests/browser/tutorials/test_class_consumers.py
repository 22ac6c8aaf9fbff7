"""The tutorials with class consumers, on the split."""

import json

import pytest
from websockets.exceptions import InvalidStatus

from channels.layers.redis import RedisChannelLayer
from tests.browser.tutorials.conftest import LIVE
from tests.processes import wait_until

COUNTER = "/class-consumers/counter/"


def count(browser):
    return int(browser.find("#clicks").text)


def host(browser):
    return browser.find("#worker").text


def test_what_is_said_in_a_room_reaches_all_who_are_in_it(browsers, visit):
    for browser in browsers:
        visit(browser, "/class-consumers/chat/lobby/")
    browsers[0].fill(text="Hello <b>room</b>")
    browsers[0].click("#say button")
    for browser in browsers:
        browser.wait_for_text("Hello <b>room</b>", within="#lines")


def test_rooms_are_apart(browsers, visit):
    for browser, room in zip(browsers, ("blue", "green"), strict=True):
        visit(browser, f"/class-consumers/chat/{room}/")
    for browser, text in zip(browsers, ("to blue", "to green"), strict=True):
        browser.fill(text=text)
        browser.click("#say button")
        browser.wait_for_text(text, within="#lines")
    assert browsers[0].texts("#lines li") == ["to blue"]


@pytest.mark.usefixtures("second_worker")
def test_counter_goes_on_in_another_worker_when_its_own_is_restarted(browser, visit):
    visit(browser, COUNTER)
    for _ in range(3):
        browser.click("#click")
    wait_until(lambda: count(browser) == 3, what="three clicks")
    first = host(browser)

    browser.click("#restart-button")

    wait_until(lambda: host(browser) != first, what="another worker")
    browser.click("#click")
    wait_until(lambda: count(browser) == 4, what="the count to go on")
    assert "The socket was closed." not in browser.texts("#lines li")


def test_worker_that_is_told_to_stop_ends_well(demo, open_socket):
    worker = demo.start_worker("--only-channels=bell")
    layer = RedisChannelLayer(hosts=[demo.env["REDIS_URL"]])
    (name,) = [w["id"] for w in layer.status()["workers"] if w["pid"] == worker.pid]
    layer.ask_to_stop(name)
    layer.close()
    assert worker.wait() == 0
    demo.workers.remove(worker)


def test_notice_of_a_view_reaches_only_the_pages_of_its_user(browsers, demo, log_in):
    for browser, name in zip(browsers, ("amy", "ben"), strict=True):
        log_in(browser, name)
        browser.open(f"{demo.url}/class-consumers/notices/")
        browser.find(LIVE)
        browser.wait_for_text(f"Hello {name}", within="#lines")
    for browser, text in zip(browsers, ("for amy", "for ben"), strict=True):
        browser.fill(text=text)
        browser.click("#send button")
        browser.wait_for_text(text, within="#lines")
    assert "for ben" not in browsers[0].find("#lines").text


def test_notices_are_refused_to_who_is_not_logged_in(open_socket):
    with pytest.raises(InvalidStatus) as refusal:
        open_socket("/ws/notices/", None)
    assert refusal.value.response.status_code == 403


def test_slow_work_on_a_named_channel_shows_its_progress(browser, visit):
    visit(browser, "/class-consumers/background/")
    browser.click("#start")
    browser.wait_for_text("of 10", within="#told")
    browser.wait_for_text("Done.", within="#told")


def test_events_of_a_response_that_goes_on_come_as_they_are_made(browser, visit):
    visit(browser, "/class-consumers/ticker/")
    browser.wait_for_text("Event 2 of 60", within="#lines")


def test_group_message_of_the_chat_is_what_the_tutorial_says(open_socket):
    socket = open_socket("/ws/chat/there/", None)
    socket.send(json.dumps({"message": "hello"}))
    assert json.loads(socket.recv(timeout=20)) == {"message": "hello"}


def test_landing_page_shows_the_processes_and_counts(browser, demo):
    browser.open(demo.url)
    wait_until(lambda: count_on_landing(browser) >= 2, what="the page's socket to count")
    pids = {str(worker.pid) for worker in demo.workers if worker.is_running}
    wait_until(lambda: pids <= notes_of_boxes(browser), what="a box for each worker")
    assert pids


def count_on_landing(browser):
    return int(browser.find("#split-count").text)


def notes_of_boxes(browser):
    """What stands in small print in the boxes of the picture: the process ids of workers."""
    script = "return [...document.querySelectorAll('#split-boxes .note')].map((n) => n.textContent)"
    return set(browser.run(script))
