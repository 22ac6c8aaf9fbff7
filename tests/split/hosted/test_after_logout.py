"""Sockets of class consumers on a worker: their users, who log out, and their languages."""

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.split.conftest import LIMIT_S

LOG_IN = """
import os
from importlib import import_module
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY, get_user_model
user = get_user_model().objects.create_user("ann", password="secret")
for _ in range(2):
    session = import_module("django.contrib.sessions.backends.db").SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    print("key", session.session_key)
"""

#: What a view does that logs out.
LOG_OUT = """
from django.contrib.auth import logout
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
request = HttpRequest()
request.session = SessionStore({key!r})
logout(request)
"""

CHANGE_PASSWORD = """
from django.contrib.auth import get_user_model
user = get_user_model().objects.get()
user.set_password("new")
user.save()
"""


class Browser:
    """Two sessions of one user, and sockets of both kinds of consumers in each."""

    def __init__(self, site):
        site.manage("migrate", "--verbosity=0")
        log = site.manage("shell", "-c", LOG_IN)
        self.keys = [line.split()[1] for line in log.splitlines() if line.startswith("key ")]
        self._site = site
        self._sockets = contextlib.ExitStack()

    def open(self, server, kind, key):
        headers = {"Cookie": f"sessionid={key}"}
        return self._sockets.enter_context(
            connect(
                f"{server.ws_url}/user/{kind}/",
                additional_headers=headers,
                open_timeout=LIMIT_S,
                proxy=None,
            )
        )

    def run(self, code):
        self._site.manage("shell", "-c", code)

    def close(self):
        self._sockets.close()


def ask(socket):
    socket.send('"who?"')
    return json.loads(socket.recv(LIMIT_S))


def close_code(socket):
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(LIMIT_S)
    return closed.value.rcvd.code


@pytest.fixture
def start(site):
    with contextlib.ExitStack() as stack:

        def start(after_logout):
            site.env["AFTER_LOGOUT"] = after_logout
            browser = stack.enter_context(contextlib.closing(Browser(site)))
            server = site.start_server()
            site.start_worker()
            sockets = {
                (kind, key): browser.open(server, kind, key)
                for kind in ("async", "sync")
                for key in browser.keys
            }
            return browser, sockets

        yield start


def test_sockets_are_closed_at_once_and_see_nothing_of_one_another(start):
    browser, sockets = start("close")
    out, stays = browser.keys
    assert [ask(socket) for socket in sockets.values()] == [["ann", "en-us"]] * 4
    assert [ask(socket) for socket in sockets.values()] == [["ann", "de"]] * 4

    browser.run(LOG_OUT.format(key=out))
    assert [close_code(sockets[kind, out]) for kind in ("async", "sync")] == [4401] * 2
    assert [ask(sockets[kind, stays]) for kind in ("async", "sync")] == [["ann", "de"]] * 2

    browser.run(CHANGE_PASSWORD)
    assert [close_code(sockets[kind, stays]) for kind in ("async", "sync")] == [4401] * 2
