"""Many rooms over one socket."""

import json

import pytest
from websockets.exceptions import InvalidStatus

STREAM = "/multichat/stream/"
KITCHEN, GARDEN, STAFF = 1, 2, 3


def switch(browser, room):
    browser.click(f"#rooms [value='{room}']")


def say(browser, room, text):
    browser.find(f"#room-{room} [name=text]").send_keys(text)
    browser.click(f"#room-{room} .button")


def said(browser, room):
    return browser.texts(f"#room-{room} .lines li:not(.note)")


def test_people_meet_in_rooms_and_leave_them(browsers, visit, log_in):
    amy, ben = browsers
    for browser, name in zip(browsers, ("amy", "ben"), strict=True):
        log_in(browser, name)
        visit(browser, "/multichat/")
        switch(browser, KITCHEN)
        browser.find(f"#room-{KITCHEN}")
    amy.wait_for_text("ben has come", within=f"#room-{KITCHEN} .note")
    switch(amy, GARDEN)
    say(amy, KITCHEN, "soup <b>is</b> ready")
    say(amy, GARDEN, "nobody here?")
    ben.wait_for_text("amysoup <b>is</b> ready", within=f"#room-{KITCHEN} li")
    amy.wait_for_text("amynobody here?", within=f"#room-{GARDEN} li")
    assert ben.all(f"#room-{GARDEN}") == []

    switch(ben, KITCHEN)
    amy.wait_for_text("ben has gone", within=f"#room-{KITCHEN} .note")
    ben.wait_for_text("Join a room", within="#open-rooms")
    say(amy, KITCHEN, "more for me")
    amy.wait_for_text("amymore for me", within=f"#room-{KITCHEN} li")
    assert said(amy, KITCHEN) == ["amysoup <b>is</b> ready", "amymore for me"]


def test_only_staff_gets_into_the_room_of_the_staff(browsers, visit, log_in):
    amy, admin = browsers
    for browser, name in zip(browsers, ("amy", "admin"), strict=True):
        log_in(browser, name)
        visit(browser, "/multichat/")
        switch(browser, STAFF)
    admin.find(f"#room-{STAFF}")
    amy.wait_for_text("That room is for staff.", within="#problem")
    assert not amy.find(f"#rooms [value='{STAFF}']").is_selected()
    assert amy.all(f"#room-{STAFF}") == []


def test_closing_the_page_leaves_the_rooms(browsers, visit, log_in):
    amy, ben = browsers
    for browser, name in zip(browsers, ("amy", "ben"), strict=True):
        log_in(browser, name)
        visit(browser, "/multichat/")
        switch(browser, GARDEN)
        browser.find(f"#room-{GARDEN}")
    ben.open("about:blank")
    amy.wait_for_text("ben has gone", within=f"#room-{GARDEN} .note")


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ("{", "NOT_A_COMMAND"),
        ("[]", "NOT_A_COMMAND"),
        ("{}", "NOT_A_COMMAND"),
        (b"\xff", "NOT_A_COMMAND"),
        ('{"command": "explode"}', "UNKNOWN_COMMAND"),
        ('{"command": null}', "UNKNOWN_COMMAND"),
        ('{"command": "join"}', "NO_SUCH_ROOM"),
        ('{"command": "join", "room": true}', "NO_SUCH_ROOM"),
        ('{"command": "join", "room": 1e99}', "NO_SUCH_ROOM"),
        ('{"command": "join", "room": 99999999999999999999}', "NO_SUCH_ROOM"),
        ('{"command": "join", "room": 3}', "ROOM_ACCESS_DENIED"),
        ('{"command": "leave", "room": 1}', "NOT_IN_THE_ROOM"),
        ('{"command": "send", "room": 1, "message": "hi"}', "NOT_IN_THE_ROOM"),
    ],
)
def test_client_is_told_what_is_wrong_and_the_socket_goes_on(open_socket, frame, error):
    socket = open_socket(STREAM, "amy")
    socket.send(frame)
    assert json.loads(socket.recv(timeout=20)) == {"error": error}
    socket.send(json.dumps({"command": "join", "room": KITCHEN}))
    while "join" not in json.loads(socket.recv(timeout=20)):
        pass


@pytest.mark.parametrize("text", ["", " ", "x" * 501, 7, None])
def test_text_that_is_none_is_refused(open_socket, text):
    socket = open_socket(STREAM, "amy")
    socket.send(json.dumps({"command": "join", "room": KITCHEN}))
    while "join" not in json.loads(socket.recv(timeout=20)):
        pass
    socket.send(json.dumps({"command": "send", "room": KITCHEN, "message": text}))
    assert json.loads(socket.recv(timeout=20)) == {"error": "MESSAGE_EMPTY_OR_TOO_LONG"}


def test_stranger_is_refused(open_socket):
    with pytest.raises(InvalidStatus) as refused:
        open_socket(STREAM, None)
    assert refused.value.response.status_code == 403
