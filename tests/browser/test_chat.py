"""The chat of the demo, in real browsers over real processes."""

import json
import threading

import pytest

from tests.browser.chromium import DESKTOP, PHONE
from tests.browser.held_requests import HeldRequests
from tests.conftest import start_workers
from tests.processes import wait_until

LIVE = '#state[data-state="live"]'


@pytest.fixture
def enter(demo, log_in):
    """Log a browser in and enter a room; return when the page is connected."""

    def enter(browser, name, room="lobby"):
        log_in(browser, name)
        browser.open(f"{demo.url}/chat/room/{room}/")
        browser.find(LIVE)

    return enter


def say(browser, text):
    """Type a message and send it. Through a script: the driver can't type beyond the BMP."""
    browser.run(
        "const field = document.getElementById('text'); field.value = arguments[0];"
        "field.dispatchEvent(new Event('input'));"
        "document.getElementById('composer').requestSubmit()",
        text,
    )


def said(browser):
    """The texts of the messages that the page shows as said."""
    return browser.texts(".message:not(.pending) .bubble")


def wait_for_message(browser, text, **kwargs):
    browser.wait_for_text(text, within=".message:not(.pending) .bubble", **kwargs)


def test_somebody_signs_up_and_makes_a_room(browser, demo):
    browser.open(f"{demo.url}/accounts/signup/")
    browser.fill(username="carla", password1="a good one", password2="a good one")
    browser.click("main button")
    browser.wait_for_text("Rooms", within="h1")
    browser.fill(name="读书会 📚", topic="One chapter a week")
    browser.click(".new-room button")
    browser.wait_for_text("读书会 📚", within=".talk-title h1")
    browser.find(LIVE)


def test_two_people_chat_and_see_who_is_here(browsers, enter):
    amy, ben = browsers
    enter(amy, "amy")
    enter(ben, "ben")
    amy.wait_for_text("ben", within="#people-list li")
    say(amy, "Hello, Ben")
    wait_for_message(ben, "Hello, Ben")
    say(ben, "你好 🎉 <b>not bold</b>")
    wait_for_message(amy, "你好 🎉 <b>not bold</b>")
    assert said(amy) == said(ben)


def test_leaving_the_room_is_seen_by_the_others(browsers, enter):
    amy, ben = browsers
    enter(amy, "amy")
    enter(ben, "ben")
    amy.wait_for_text("ben", within="#people-list li")
    ben.open("about:blank")
    wait_until(lambda: amy.texts("#people-list li") == ["A\namy (you)"], what=lambda: amy.text)


def test_typing_with_the_keyboard_sends_on_enter_and_breaks_the_line_on_shift_enter(browser, enter):
    from selenium.webdriver.common.keys import Keys

    enter(browser, "amy")
    field = browser.find("#text")
    field.send_keys("one", Keys.SHIFT, Keys.ENTER, Keys.SHIFT, "two", Keys.ENTER)
    wait_for_message(browser, "one\ntwo")
    assert field.get_attribute("value") == ""


def test_somebody_who_types_is_named_to_the_others(browsers, enter):
    amy, ben = browsers
    enter(amy, "amy")
    enter(ben, "ben")
    ben.find("#text").send_keys("h")
    amy.wait_for_text("ben is typing", within="#typing")


def test_history_is_there_when_somebody_comes_later(browsers, enter):
    amy, ben = browsers
    enter(amy, "amy", "field-notes")
    for number in range(60):
        say(amy, f"Note {number}")
    wait_for_message(amy, "Note 59")
    enter(ben, "ben", "field-notes")
    assert said(ben) == [f"Note {number}" for number in range(10, 60)]
    ben.run("document.getElementById('log').scrollTop = 0")
    wait_until(lambda: said(ben) == [f"Note {n}" for n in range(60)], what=lambda: said(ben))


def test_message_from_a_view_appears(browsers, demo, enter, log_in):
    amy, ben = browsers
    enter(amy, "amy")
    log_in(ben, "ben")
    ben.open(f"{demo.url}/chat/announce/")
    ben.run(
        "document.querySelector('[name=room]').value = "
        "[...document.querySelectorAll('option')].find(o => o.text == 'Lobby').value"
    )
    ben.fill(text="Maintenance at ten")
    ben.click("main button")
    ben.wait_for_text("Announced in Lobby.")
    wait_for_message(amy, "Maintenance at ten")
    assert amy.all(".message.announcement")


def test_message_from_the_shell_appears(browser, demo, enter):
    enter(browser, "amy")
    demo.manage(
        "shell",
        text="from channels import Group\n"
        "Group('chat-lobby').send({'text': 'Hello from the shell'})\n",
    )
    browser.wait_for_text("Hello from the shell", within=".notice")


def test_page_reconnects_and_catches_up_after_a_restart_of_the_server(browser, demo, enter):
    amy = browser
    enter(amy, "amy")
    server = demo.servers[-1]
    server.stop()
    amy.find('#state[data-state="waiting"]')
    say(amy, "Typed while the server was away")
    assert amy.find(".message.pending").text.endswith("Typed while the server was away")
    demo.manage(
        "shell",
        text="from project.chat.models import *\n"
        "from django.contrib.auth.models import User\n"
        "Message.objects.create(room=Room.objects.get(slug='lobby'), text='Missed by the socket', "
        "author=User.objects.get(username='ben'))\n",
    )
    demo.servers.remove(server)
    demo.start_server(port=server.port)
    amy.find(LIVE, limit_s=20)
    wait_for_message(amy, "Missed by the socket")
    wait_for_message(amy, "Typed while the server was away")
    assert said(amy).count("Typed while the server was away") == 1
    assert amy.all(".message.pending") == []


def test_what_was_missed_is_shown_though_somebody_speaks_before_it_comes(browsers, enter):
    amy, ben = browsers
    history = HeldRequests(amy, "messages/?after=")
    enter(amy, "amy")
    history.pass_on()
    enter(ben, "ben")
    say(ben, "before")
    wait_for_message(amy, "before")
    leave_for_a_while(amy)
    for text in ("missed 1", "missed 2"):
        say(ben, text)
        wait_for_message(ben, text)
    come_back(amy)
    asked = history.wait()
    history.answer(503)
    say(ben, "live 1")
    wait_for_message(amy, "live 1")
    assert history.wait() == asked
    leave_for_a_while(amy)
    come_back(amy)
    history.answer(503)  # for the connection that has gone
    assert history.wait() == asked
    history.answer(200, {**messages(amy, asked, 1), "more": True})
    say(ben, "live 2")
    wait_for_message(amy, "live 2")
    history.pass_on()
    wait_for_message(amy, "missed 2")
    assert said(amy)[-5:] == ["before", "missed 1", "missed 2", "live 1", "live 2"]


def leave_for_a_while(browser):
    """Let the page believe that its tab has gone to another one: its socket closes."""
    browser.run("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")


def come_back(browser):
    """Let it believe that it is shown again; return when it is connected."""
    browser.run("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    browser.find(LIVE)


def messages(browser, asked, count):
    """The first `count` messages of the history that the page `asked` for."""
    answer = browser.driver.execute_async_script(
        "const [url, done] = arguments; window.realFetch(url).then(r => r.json()).then(done)",
        asked.removeprefix("GET "),
    )
    return {"messages": answer["messages"][:count]}


def test_page_waits_for_workers_while_its_neighbour_keeps_its_socket(browsers, demo, enter):
    amy, ben = browsers
    enter(amy, "amy")
    record_states(amy)
    demo.stop_workers()
    say(amy, "Sent while no worker ran")
    loading = threading.Thread(target=ben.open, args=[f"{demo.url}/accounts/login/"])
    loading.start()
    amy.find(".message.pending")
    assert loading.is_alive()
    start_workers(demo)
    loading.join(30)
    ben.wait_for_text("Log in", within="h1")
    wait_for_message(amy, "Sent while no worker ran")
    assert set(amy.run("return window.states")) <= {"slow", "live"}  # the socket stays open


def record_states(browser):
    """Record in window.states each change of what the page shows of its connection."""
    browser.run(
        "window.states = []; const state = document.getElementById('state');"
        "new MutationObserver(() => window.states.push(state.dataset.state))"
        ".observe(state, {attributes: true})"
    )


def test_somebody_who_is_logged_out_is_told_and_does_not_come_back(browser, demo, enter):
    enter(browser, "amy")
    browser.driver.delete_all_cookies()
    demo.restart_server()
    browser.find('#state[data-state="closed"]', limit_s=20)
    browser.wait_for_text("not logged in any more", within=".notice")


def test_frame_that_is_not_json_is_refused_with_a_reason(browser, demo, enter):
    enter(browser, "amy")
    answer = browser.driver.execute_async_script(
        "const done = arguments[0];"
        "const socket = new WebSocket(`ws://${location.host}/chat/stream/lobby/`);"
        "socket.onopen = () => socket.send('{');"
        "socket.onmessage = ({data}) => data.includes('error') && (socket.close(), done(data))"
    )
    assert "JSON" in json.loads(answer)["text"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/chat/", "/chat/room/lobby/", "/chat/announce/"]
)
def test_no_page_scrolls_sideways(browser, demo, log_in, path, size):
    log_in(browser, "amy")
    browser.resize(size)
    browser.open(demo.url + path)
    browser.find("main")
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    browser.resize(DESKTOP)
