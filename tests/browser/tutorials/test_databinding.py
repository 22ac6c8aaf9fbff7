"""A table that is edited live in two browsers."""

import json

import pytest

from tests.browser.held_requests import HeldRequests
from tests.processes import wait_until

STREAM = "/databinding/stream/"


@pytest.fixture(autouse=True)
def values(demo):
    """Two values to begin with: apples, 12, and pears, 7."""
    demo.manage(
        "shell",
        "-c",
        "from project.databinding.models import IntegerValue\n"
        "IntegerValue.objects.all().delete()\n"
        "for pk, (name, value) in enumerate({'apples': 12, 'pears': 7}.items(), 1):\n"
        "    IntegerValue.objects.create(pk=pk, name=name, value=value)",
    )


def table(browser):
    """What the table shows, as a dict."""
    return browser.run(
        "return Object.fromEntries([...document.querySelectorAll('#values li')].map("
        "row => [row.querySelector('.name').value, Number(row.querySelector('.value').value)]))"
    )


def wait_for_table(browser, expected):
    wait_until(lambda: table(browser) == expected, what=lambda: (expected, table(browser)))


def type_into(browser, css, text):
    """Replace what a field holds, and leave it."""
    field = browser.find(css)
    field.clear()
    field.send_keys(text, "\n")


def test_what_one_does_shows_on_both_pages(browsers, visit, log_in):
    one, two = browsers
    for browser, name in zip(browsers, ("amy", "ben"), strict=True):
        log_in(browser, name)
        visit(browser, "/databinding/")
    one.click("#value-1 [data-step='1']")
    wait_for_table(two, {"apples": 13, "pears": 7})
    two.click("#value-1 [data-step='1']")
    wait_for_table(one, {"apples": 14, "pears": 7})
    one.run(
        "arguments[0].value = 40; arguments[0].dispatchEvent(new Event('change'))",
        one.find("#value-2 .value"),
    )
    wait_for_table(two, {"apples": 14, "pears": 40})
    one.fill(name="plums")
    one.click("#add button")
    two.click("#value-1 .remove")
    for browser in browsers:
        wait_for_table(browser, {"pears": 40, "plums": 0})


def test_what_the_admin_saves_shows_for_those_who_only_watch(browsers, visit, demo, log_in):
    admin, reader = browsers
    visit(reader, "/databinding/")
    assert not reader.find("#value-1 [data-step='1']").is_enabled()
    log_in(admin, "admin")
    admin.open(f"{demo.url}/admin/databinding/integervalue/2/change/")
    admin.fill(value="99")
    admin.click("[name=_save]")
    wait_for_table(reader, {"apples": 12, "pears": 99})


def test_name_that_is_taken_is_refused_and_put_back(browsers, visit, log_in):
    amy, other = browsers
    log_in(amy, "amy")
    for browser in browsers:
        visit(browser, "/databinding/")
    amy.run(
        "arguments[0].value = 'apples'; arguments[0].dispatchEvent(new Event('change'))",
        amy.find("#value-2 .name"),
    )
    amy.wait_for_text("already exists", within="#problem")
    wait_for_table(amy, {"apples": 12, "pears": 7})
    assert other.texts("#wire li") == []


def test_what_events_told_meanwhile_is_not_undone_by_an_older_answer(browsers, visit, log_in):
    amy, reader = browsers
    log_in(amy, "amy")
    visit(amy, "/databinding/")
    latest = HeldRequests(reader, "latest/")
    visit(reader, "/databinding/")
    latest.wait()
    amy.click("#value-1 .remove")
    wait_for_table(amy, {"pears": 7})  # a row that moves up just then would not be clicked
    amy.click("#value-2 [data-step='1']")
    wait_for_table(reader, {"pears": 8})
    old = {1: ("apples", 12), 2: ("pears", 7), 77: ("missed", 0)}
    values = [{"id": pk, "name": name, "value": value} for pk, (name, value) in old.items()]
    latest.answer(200, {"values": values})
    wait_until(lambda: "missed" in table(reader), what=lambda: table(reader))
    assert table(reader) == {"pears": 8, "missed": 0}


def ask(socket, action, pk=None, **data):
    payload = {"action": action, "pk": pk, "data": data}
    socket.send(json.dumps({"stream": "intval", "payload": payload}))


@pytest.mark.parametrize(
    ("action", "pk", "data", "problem"),
    [
        ("update", 1, {"value": 1_000_001}, "less than or equal to 1000000"),
        ("update", 1, {"value": None}, "cannot be null"),
        ("update", 1, {"name": ""}, "cannot be blank"),
        ("update", 77, {"value": 1}, "does not exist"),
        ("create", None, {"name": "x" * 41}, "at most 40 characters"),
    ],
)
def test_what_the_model_does_not_allow_is_told_to_who_asked(open_socket, action, pk, data, problem):
    socket = open_socket(STREAM, "amy")
    ask(socket, action, pk, **data)
    payload = json.loads(socket.recv(timeout=20))["payload"]
    assert (payload["action"], payload["pk"]) == ("refused", pk)
    assert problem in payload["problem"]


def test_stranger_changes_nothing(open_socket):
    stranger, amy = open_socket(STREAM, None), open_socket(STREAM, "amy")
    ask(stranger, "update", 1, value=0)
    ask(stranger, "delete", 2)
    ask(amy, "update", 2, value=8)
    told = json.loads(amy.recv(timeout=20))
    assert told == json.loads(stranger.recv(timeout=20))
    assert told["payload"]["data"] == {"name": "pears", "value": 8}
