"""The user of a socket: from the browser's session, from `login`, or nobody."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model, user_logged_out
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test.utils import CaptureQueriesContext

from channels.auth import (
    channel_and_http_session_user_from_http,
    channel_session_user,
    channel_session_user_from_http,
    http_session_user,
    login,
    logout,
    transfer_user,
)
from channels.exceptions import DenyConnection
from channels.message import Message
from channels.sessions import channel_session, enforce_ordering

REPLY = "websocket.send.Server!a"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def browser(ann):
    """The session of a browser in which ann has logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(ann.pk)
    session["_auth_user_backend"] = BACKEND
    session[HASH_SESSION_KEY] = ann.get_session_auth_hash()
    session.create()
    return session


def make_connect(layer, session=None, origin=None, channel="websocket.connect"):
    headers = [[b"host", b"example.com"]]
    if session is not None:
        headers.append([b"cookie", f"sessionid={session.session_key}".encode()])
    if origin is not None:
        headers.append([b"origin", origin.encode()])
    content = {"reply_channel": REPLY, "path": "/", "headers": headers, "order": 0}
    return Message(content, channel, layer)


def make_message(layer, channel="websocket.receive", order=1):
    return Message({"reply_channel": REPLY, "path": "/", "order": order}, channel, layer)


def user_of(message):
    return message.user


from_http = channel_session_user_from_http(user_of)
from_channel = channel_session_user(user_of)


def test_the_browsers_user_is_the_sockets_user_from_connect_to_disconnect(layer, ann, browser):
    assert from_http(make_connect(layer, browser)) == ann
    assert from_channel(make_message(layer)) == ann
    assert from_channel(make_message(layer, "websocket.disconnect")) == ann


@pytest.mark.parametrize(
    "decorate", [channel_session_user_from_http, channel_and_http_session_user_from_http]
)
def test_the_connect_decorator_is_right_around_every_message_of_the_socket(
    layer, ann, browser, decorate
):
    consumer = decorate(user_of)
    for message in (
        make_connect(layer, browser),
        make_message(layer),
        make_message(layer, "websocket.disconnect"),
    ):
        assert consumer(message) == ann


@pytest.mark.parametrize("decorate", [http_session_user, channel_session_user_from_http])
def test_a_browser_without_a_session_is_anonymous(layer, decorate):
    user = decorate(user_of)(make_connect(layer))
    assert user == AnonymousUser() and not user.is_authenticated


def test_a_socket_that_nobody_logged_in_on_is_anonymous(layer):
    user = from_channel(make_message(layer))
    assert isinstance(user, AnonymousUser)


def test_the_user_behaves_as_a_user(layer, ann, browser):
    user = http_session_user(user_of)(make_connect(layer, browser))
    assert isinstance(user, get_user_model())
    assert user == ann and ann == user and hash(user) == hash(ann)
    assert get_user_model().objects.filter(pk=user.pk).get() == user


def test_a_user_who_is_not_asked_for_is_not_loaded(layer, ann, browser):
    from django.db import connection

    from_http(make_connect(layer, browser))

    @channel_session_user
    def consumer(message):
        pass

    with CaptureQueriesContext(
        connection,
    ) as queries:
        consumer(make_message(layer))
    assert len(queries) == 0


def test_http_session_user_works_for_requests(layer, ann, browser):
    message = make_connect(layer, browser, "https://evil.test", channel="http.request")
    assert http_session_user(user_of)(message) == ann


def test_http_session_user_on_a_message_without_headers_says_what_to_use(layer):
    with pytest.raises(ValueError, match="http_session_user around .*channel_session_user"):
        http_session_user(user_of)(make_message(layer))


def test_http_session_is_there_in_later_messages_if_both_are_asked_for(layer, ann, browser):
    @channel_and_http_session_user_from_http
    def consumer(message):
        return message.http_session.session_key, message.user

    expected = (browser.session_key, ann)
    assert consumer(make_connect(layer, browser)) == expected
    assert consumer(make_message(layer)) == expected


def test_signed_cookie_sessions_give_the_user_with_no_setting(layer, settings, ann):
    from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore

    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    session = CookieStore()
    session[SESSION_KEY] = str(ann.pk)
    session["_auth_user_backend"] = BACKEND
    session[HASH_SESSION_KEY] = ann.get_session_auth_hash()
    session.save()
    assert from_http(make_connect(layer, session)) == ann
    assert from_channel(make_message(layer)) == ann


def test_a_changed_password_makes_the_socket_anonymous_and_keeps_its_session(layer, ann, browser):
    @channel_session_user_from_http
    def connect(message):
        message.channel_session["room"] = "lobby"

    connect(make_connect(layer, browser))
    ann.set_password("other")
    ann.save()

    @channel_session_user
    def receive(message):
        return message.user.is_authenticated, message.channel_session["room"]

    assert receive(make_message(layer)) == (False, "lobby")
    assert SessionStore(browser.session_key).get(SESSION_KEY) == str(ann.pk)


def test_a_deleted_user_is_anonymous(layer, ann, browser):
    from_http(make_connect(layer, browser))
    ann.delete()
    assert not from_channel(make_message(layer)).is_authenticated


def test_async_consumers_have_their_user_loaded(layer, ann, browser):
    @channel_session_user_from_http
    async def connect(message):
        return message.user.username

    @enforce_ordering
    @channel_session_user
    async def receive(message):
        return message.user.username

    assert asyncio.run(connect(make_connect(layer, browser))) == "ann"
    assert asyncio.run(receive(make_message(layer))) == "ann"


def test_who_logs_in_on_a_socket_is_its_user_from_then_on(layer, ann):
    @channel_session_user
    def receive(message):
        login(message, ann, backend=BACKEND)
        return message.user

    assert receive(make_message(layer)) == ann
    assert from_channel(make_message(layer)) == ann
    ann.refresh_from_db()
    assert ann.last_login is not None


def test_a_log_in_needs_to_know_which_of_several_backends_it_was(layer, ann, settings):
    settings.AUTHENTICATION_BACKENDS = [BACKEND, "django.contrib.auth.backends.RemoteUserBackend"]
    receive = channel_session_user(lambda message: login(message, ann))
    with pytest.raises(ValueError, match="name it as `backend`"):
        receive(make_message(layer))
    ann.backend = BACKEND
    receive(make_message(layer))
    assert from_channel(make_message(layer)) == ann


def test_who_logs_out_on_a_socket_is_anonymous_from_then_on(layer, ann, browser):
    gone = []

    def note(sender, user, **kwargs):
        gone.append(user)

    @channel_session_user
    def receive(message):
        message.channel_session["room"] = "lobby"
        logout(message)
        return message.user

    from_http(make_connect(layer, browser))
    user_logged_out.connect(note)
    try:
        assert not receive(make_message(layer)).is_authenticated
    finally:
        user_logged_out.disconnect(note)
    assert gone == [ann]
    assert not from_channel(make_message(layer)).is_authenticated
    assert layer.load_session(REPLY) == {"room": "lobby"}


def test_login_works_in_a_thread_of_an_async_consumer(layer, ann):
    @channel_session_user
    async def receive(message):
        await sync_to_async(login)(message, ann, BACKEND)

    asyncio.run(receive(make_message(layer)))
    assert from_channel(make_message(layer)) == ann


@pytest.mark.parametrize("call", [lambda message: login(message, None), logout])
def test_login_and_logout_without_a_channel_session_say_what_to_use(layer, call):
    with pytest.raises(ValueError, match="'websocket.receive' without a channel_session"):
        call(make_message(layer))


def test_transfer_user_copies_a_whole_log_in_or_nothing():
    keys = {SESSION_KEY: "1", "_auth_user_backend": BACKEND, HASH_SESSION_KEY: "abc"}
    copy, nothing = {}, {}
    transfer_user({**keys, "cart": 1}, copy)
    transfer_user({SESSION_KEY: "1"}, nothing)
    assert copy == keys and nothing == {}


def test_the_decorators_leave_their_marks():
    assert from_channel.consumer_marks == {"channel_session_user", "channel_session"}
    assert {"channel_session_user_from_http", "http_session"} <= from_http.consumer_marks


# -- the Origin ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "decorate",
    [
        http_session_user,
        channel_session_user_from_http,
        channel_and_http_session_user_from_http,
    ],
)
def test_a_page_of_a_foreign_site_can_not_use_the_cookie(layer, ann, browser, decorate):
    consumer = decorate(user_of)
    with pytest.raises(DenyConnection, match="evil.test"):
        consumer(make_connect(layer, browser, "https://evil.test"))
    assert layer.load_session(REPLY) == {}
    assert consumer(make_connect(layer, browser, "https://example.com")) == ann
    assert consumer(make_connect(layer, browser)) == ann  # no browser


def test_the_origin_check_can_be_switched_off(layer, ann, browser, settings):
    settings.CHANNELS_CHECK_ORIGIN = False
    assert from_http(make_connect(layer, browser, "https://evil.test")) == ann


def test_decorators_that_read_no_cookie_let_every_origin_in(layer):
    consumer = channel_session(lambda message: "ran")
    assert consumer(make_connect(layer, origin="https://evil.test")) == "ran"
