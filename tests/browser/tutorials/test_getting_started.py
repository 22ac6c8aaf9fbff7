"""The getting-started series, step by step."""

import pytest
import requests
from websockets.exceptions import InvalidStatus

from tests.browser.tutorials.conftest import LIVE
from tests.processes import wait_until

STEP = "/getting-started/step/"
RECEIVED = "#lines li:not(.sent)"


def say(browser, text):
    browser.fill(text=text)
    browser.click("#say button")


def received(browser):
    return browser.texts(RECEIVED)


def test_step_1_a_consumer_answers_requests(browser, demo):
    browser.open(f"{demo.url}{STEP}hello/")
    browser.click("#ask button")
    browser.wait_for_text(
        "200Hello world! You asked for /getting-started/hello/anything/", within=RECEIVED
    )


def test_step_1_no_browser_runs_what_is_in_the_path(demo):
    answer = requests.get(f"{demo.url}/getting-started/hello/<script>", timeout=20)
    assert answer.text == "Hello world! You asked for /getting-started/hello/<script>"
    assert answer.headers["content-type"] == "text/plain"


def test_step_2_a_socket_gets_back_what_it_sends(browser, visit):
    visit(browser, f"{STEP}echo/")
    for text in ("hello", "grüezi ☃ <b>"):
        say(browser, text)
        browser.wait_for_text(text, within=RECEIVED)
    assert received(browser) == ["hello", "grüezi ☃ <b>"]


def test_step_3_everybody_gets_each_message(browsers, visit):
    for browser in browsers:
        visit(browser, f"{STEP}groups/")
    say(browsers[0], "hello")
    for browser in browsers:
        browser.wait_for_text("[user] hello", within=RECEIVED)


def test_step_4_rooms_and_names_come_from_the_address(browsers, demo):
    for browser, name in zip(browsers, ("Ann", "Ben"), strict=True):
        browser.open(f"{demo.url}{STEP}sessions/")
        browser.fill(username=name)
        browser.click("#join button")
        browser.find(LIVE)
    say(browsers[0], "hello")
    for browser in browsers:
        browser.wait_for_text("Annhello", within=RECEIVED)
    browsers[1].fill(room="kitchen")
    browsers[1].click("#join button")
    browsers[1].wait_for_text("/kitchen/?username=Ben", within="#address")
    browsers[1].find(LIVE)
    say(browsers[0], "still there?")
    browsers[0].wait_for_text("Annstill there?", within=RECEIVED)
    say(browsers[1], "alone")
    browsers[1].wait_for_text("Benalone", within=RECEIVED)
    assert received(browsers[1]) == ["Benalone"]


def test_step_4_without_a_name_the_socket_is_closed(browser, demo):
    browser.open(f"{demo.url}{STEP}sessions/")
    browser.click("#join button")
    browser.wait_for_text("Closed", within="#state")


def test_step_5_people_chat_with_those_of_their_letter(browsers, visit, log_in):
    amy, other = browsers
    log_in(amy, "amy")
    visit(amy, f"{STEP}users/")
    log_in(other, "admin")
    visit(other, f"{STEP}users/")
    say(amy, "dear a")
    other.wait_for_text("amy: dear a", within=RECEIVED)

    other.click(".site-header .link-button")
    other.wait_for_text("Log in", within=".site-header")
    log_in(other, "ben")
    visit(other, f"{STEP}users/")
    say(amy, "not for ben")
    amy.wait_for_text("amy: not for ben", within=RECEIVED)
    say(other, "dear b")
    other.wait_for_text("ben: dear b", within=RECEIVED)
    assert received(other) == ["ben: dear b"]


@pytest.mark.parametrize(("name", "origin"), [(None, None), ("amy", "http://evil.example")])
def test_step_5_strangers_and_pages_of_other_sites_are_refused(open_socket, demo, name, origin):
    with pytest.raises(InvalidStatus) as refused:
        open_socket("/getting-started/users/", name, origin=origin or demo.url)
    assert refused.value.response.status_code == 403


def test_step_6_messages_wait_for_a_worker_and_are_kept(browser, visit, demo):
    visit(browser, f"{STEP}models/")
    background = demo.workers.pop()
    background.stop()
    say(browser, "before the worker")
    browser.wait_for_text("before the worker", within="#lines .sent")
    browser.click("#tell button")
    assert received(browser) == []
    demo.start_worker("--exclude-channels=http.*", "--exclude-channels=websocket.*")
    # The worker takes both at once, in threads: the order of plain messages is not promised.
    said = {"before the worker", "Hello from a view"}
    wait_until(lambda: set(received(browser)) == said, what="what waited")

    browser.driver.refresh()
    wait_until(lambda: set(received(browser)) == said, what="what has been said before")


def test_step_6_a_shell_may_say_something_too(browser, visit, demo):
    visit(browser, f"{STEP}models/")
    code = (
        "from channels import Channel\n"
        "Channel('step6-messages').send({'room': 'garden', 'message': 'from a shell'})"
    )
    demo.manage("shell", "-c", code)
    browser.wait_for_text("from a shell", within=RECEIVED)


def test_step_7_a_burst_is_answered_in_order_by_two_workers(browser, visit, second_worker):
    visit(browser, f"{STEP}ordering/")
    for _ in range(3):
        browser.click("#send-burst")
        browser.wait_for_text("All 20 came in order.", within="#verdict")
        browser.run("document.getElementById('verdict').textContent = ''")
