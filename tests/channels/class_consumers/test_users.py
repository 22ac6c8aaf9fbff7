"""Cookies, sessions and users of class consumers."""

import datetime

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.contrib.auth import SESSION_KEY, get_user_model, user_logged_in, user_logged_out
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore

from channels.auth import AuthMiddlewareStack, UserLazyObject, get_user, login, logout
from channels.db import database_sync_to_async
from channels.sessions import CookieMiddleware, SessionMiddleware, SessionMiddlewareStack
from tests.channels.class_consumers.conversations import run

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def session_of_ann(ann):
    session = SessionStore()
    async_to_sync(login)({"session": session}, ann, BACKEND)
    session.save()
    return session


async def _nothing():
    raise AssertionError("nothing was to be received")


def scope_behind(stack, cookie=b"", **scope):
    """The scope that an application behind `stack` gets."""
    seen = []

    async def application(scope, receive, send):
        seen.append(scope)

    headers = [(b"cookie", cookie)] if cookie else []
    scope = {"type": "websocket", "headers": headers, **scope}
    run(stack(application)(scope, _nothing, _nothing))
    return seen[0]


def test_cookies_are_in_the_scope():
    assert scope_behind(CookieMiddleware, b"a=1; b=2")["cookies"] == {"a": "1", "b": "2"}
    assert scope_behind(CookieMiddleware)["cookies"] == {}
    with pytest.raises(ValueError, match="headers key"):
        run(CookieMiddleware(None)({"type": "channel"}, None, None))


def test_a_response_sets_and_deletes_cookies():
    message = {"type": "http.response.start"}
    CookieMiddleware.set_cookie(message, "a", "1", max_age=60, secure=True, httponly=True)
    CookieMiddleware.delete_cookie(message, "b", domain="example.com")
    (_, first), (_, second) = message["headers"]
    assert first.startswith(b"a=1; ")
    for part in (b"Max-Age=60", b"Path=/", b"Secure", b"HttpOnly", b"SameSite=lax", b"expires="):
        assert part in first
    assert b"Max-Age=0" in second and b"1970" in second and b"Domain=example.com" in second


def test_a_cookie_ends_at_a_moment():
    aware = datetime.datetime.now(datetime.timezone.utc)
    for now in (aware, aware.replace(tzinfo=None)):
        message = {}
        CookieMiddleware.set_cookie(message, "a", expires=now + datetime.timedelta(seconds=100))
        assert b"Max-Age=100" in message["headers"][0][1]
    with pytest.raises(ValueError, match="samesite"):
        CookieMiddleware.set_cookie({}, "a", samesite="sometimes")


def test_the_session_of_the_cookie_is_in_the_scope(session_of_ann):
    cookie = f"sessionid={session_of_ann.session_key}".encode()
    scope = scope_behind(SessionMiddlewareStack, cookie)
    assert scope["session"].session_key == session_of_ann.session_key
    assert scope["session"][SESSION_KEY]


def test_a_session_that_is_there_already_stays():
    scope = scope_behind(SessionMiddlewareStack, session={"mine": True})
    assert scope["session"] == {"mine": True}
    with pytest.raises(ValueError, match="CookieMiddleware"):
        scope_behind(SessionMiddleware)


def test_a_changed_session_is_saved_before_the_response_and_its_cookie_goes_with_it(database):
    async def application(scope, receive, send):
        scope["session"]["seen"] = 1
        await send({"type": "http.response.start", "status": 200})

    sent = []

    async def send(event):
        sent.append(event)

    scope = {"type": "http", "headers": []}
    run(SessionMiddlewareStack(application)(scope, _nothing, send))
    (_, cookie) = sent[0]["headers"][0]
    key = cookie.decode().partition("sessionid=")[2].partition(";")[0]
    assert SessionStore(key)["seen"] == 1


def test_the_cookie_of_an_emptied_session_is_deleted(session_of_ann):
    async def application(scope, receive, send):
        await database_sync_to_async(scope["session"].flush)()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    sent = []

    async def send(event):
        sent.append(event)

    cookie = f"sessionid={session_of_ann.session_key}".encode()
    scope = {"type": "http", "headers": [(b"cookie", cookie)]}
    run(SessionMiddlewareStack(application)(scope, _nothing, send))
    assert b"Max-Age=0" in sent[0]["headers"][0][1]


def test_the_user_of_the_session_is_in_the_scope(ann, session_of_ann):
    cookie = f"sessionid={session_of_ann.session_key}".encode()
    assert scope_behind(AuthMiddlewareStack, cookie)["user"] == ann
    assert scope_behind(AuthMiddlewareStack)["user"].is_anonymous


def test_a_user_whose_password_changed_is_nobody(ann, session_of_ann):
    ann.set_password("another")
    ann.save()
    cookie = f"sessionid={session_of_ann.session_key}".encode()
    assert scope_behind(AuthMiddlewareStack, cookie)["user"].is_anonymous


def test_a_user_is_used_when_it_is_known_who_it_is():
    with pytest.raises(ValueError, match="before it is ready"):
        _ = UserLazyObject().username
    with pytest.raises(ValueError, match="Cannot find session"):
        async_to_sync(get_user)({})
    with pytest.raises(ValueError, match="AuthMiddlewareStack"):
        scope_behind(lambda inner: __import__("channels.auth").auth.AuthMiddleware(inner))


def test_login_and_logout_with_a_scope_are_awaited(ann):
    told = []

    def note(sender, user, **kwargs):
        told.append(user)

    for signal in (user_logged_in, user_logged_out):
        signal.connect(note)
    session = SessionStore()
    session["basket"] = 3
    scope = {"session": session}

    async def main():
        await login(scope, ann, BACKEND)
        assert scope["user"] == ann
        assert session["basket"] == 3
        assert (await get_user(scope)) == ann
        await logout(scope)
        assert scope["user"].is_anonymous
        assert session.is_empty()

    run(main())
    assert told == [ann, ann]


def test_nobody_goes_on_with_the_session_of_another_user(ann, session_of_ann):
    ben = get_user_model().objects.create_user("ben")
    session_of_ann["basket"] = "of ann"
    scope = {"session": session_of_ann}
    async_to_sync(login)(scope, ben, BACKEND)
    assert "basket" not in session_of_ann
    assert async_to_sync(get_user)(scope) == ben


def test_login_needs_a_session_and_a_user():
    with pytest.raises(ValueError, match="Cannot find session"):
        async_to_sync(login)({}, AnonymousUser())
    with pytest.raises(ValueError, match="User must be passed"):
        async_to_sync(login)({"session": SessionStore()}, None)


def test_login_goes_through_async_to_sync_and_through_sync_to_async():
    assert iscoroutinefunction(login) and iscoroutinefunction(logout)
    assert sync_to_async(login) and sync_to_async(logout)
    assert sync_to_async(login).func is login
