"""WSClient: what a browser adds to its messages."""

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.http import parse_cookie

from channels.auth import channel_session_user, http_session_user
from channels.handler import AsgiRequest
from channels.requests.head import get_header
from channels.routing import route
from channels.sessions import channel_session, enforce_ordering, http_session
from channels.test import HttpClient, WSClient, apply_routes


@pytest.fixture
def client(layer):
    return WSClient()


def accept(message):
    message.reply_channel.send({"accept": True})


def sent(client, *args, **kwargs):
    """Return the content of a message as `client` sends it."""
    client.send("websocket.connect", *args, **kwargs)
    return client.get_next_message("websocket.connect").content


def test_http_client_is_the_same_client():
    assert HttpClient is WSClient


def test_a_message_has_a_path_and_a_query_string(client):
    content = sent(client, path="/my/path?a=1&b=%C3%A9")
    assert (content["path"], content["query_string"]) == ("/my/path", "a=1&b=%C3%A9")
    assert sent(client) == {
        "reply_channel": client.reply_channel,
        "path": "/",
        "headers": {"cookie": b""},
    }


def test_only_handshakes_and_requests_have_a_query_string(client):
    for channel, has_query in [
        ("websocket.connect", True),
        ("http.request", True),
        ("websocket.receive", False),
        ("websocket.disconnect", False),
    ]:
        client.send(channel, path="/p?a=1")
        content = client.get_next_message(channel).content
        assert ("query_string" in content, content["path"]) == (has_query, "/p")


def test_the_query_string_reaches_django(client):
    def answer(message):
        message.content["method"] = "FAKE"
        message.reply_channel.send({"text": dict(AsgiRequest(message).GET)["key"][0]})

    with apply_routes([route("websocket.connect", answer, path="^/test$")]):
        client.send_and_consume("websocket.connect", path="/test?key=value", check_accept=False)
    assert client.receive(json=False) == "value"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"text": "plain"}, "plain"),
        ({"text": {"a": 1}}, '{"a": 1}'),
        ({"text": [1]}, "[1]"),
        ({"content": {"text": ""}}, ""),
        ({"content": {"text": {"a": 1}}}, '{"a": 1}'),
        ({"content": {"text": "old"}, "text": ""}, "old"),
        ({"content": {"text": "old"}, "text": "new"}, "new"),
    ],
)
def test_text_is_sent_as_it_is_and_all_else_as_json(client, arguments, text):
    assert sent(client, **arguments)["text"] == text


@pytest.mark.parametrize("text", ["", {}, 0])
def test_an_empty_text_is_none(client, text):
    assert "text" not in sent(client, text=text)


def test_keys_of_the_content_come_first(client):
    content = {"path": "/mine", "headers": [[b"x", b"y"]], "query_string": b"q=1"}
    got = sent(client, content, path="/theirs?q=2")
    assert {key: got[key] for key in content} == content


def test_what_is_received_is_decoded(client):
    def answer(message):
        for content in ({"text": '{"a": 1}'}, {"text": "plain"}, {"bytes": b"x"}, {"close": True}):
            message.reply_channel.send(content)

    with apply_routes([route("websocket.receive", answer)]):
        client.send_and_consume("websocket.receive")
    assert client.receive() == {"a": 1}
    assert client.receive(json=False) == "plain"
    assert client.receive() == {"bytes": b"x"}
    assert client.receive() == {"close": True}
    assert client.receive() is None


def test_a_socket_must_be_accepted(client):
    def close(message):
        message.reply_channel.send({"close": True})

    with apply_routes([route("websocket.connect", close)]):
        with pytest.raises(AssertionError, match="Connection rejected: {'close': True}"):
            client.send_and_consume("websocket.connect")
        client.send_and_consume("websocket.connect", check_accept=False)
    assert client.receive() == {"close": True}

    with apply_routes([route("websocket.connect", accept)]):
        client.send_and_consume("websocket.connect")
    assert client.receive() is None


# -- order ----------------------------------------------------------------------------------------


def test_an_ordered_client_counts_its_messages(layer):
    client = WSClient(ordered=True)
    assert [sent(client)["order"] for _ in range(3)] == [0, 1, 2]
    assert client.order == 3
    with pytest.raises(ValueError, match="Do not use"):
        client.send("websocket.receive", {"order": 7})


def test_an_ordered_client_satisfies_enforce_ordering(layer):
    client = WSClient(ordered=True)

    @enforce_ordering
    def echo(message):
        message.reply_channel.send({"text": message["text"]})

    with apply_routes([route("websocket.receive", echo)]):
        for n in (1, 2, 3):
            client.send_and_consume("websocket.receive", text=n)
    assert [client.receive() for _ in range(3)] == [1, 2, 3]


# -- headers, cookies, sessions, users ----------------------------------------------------------


def test_headers_are_sent_as_messages_have_them(client):
    client.set_header("Origin", "http://example.com")
    client.set_header("x-raw", b"\xff")
    headers = sent(client)["headers"]
    assert headers["cookie"].startswith(b"sessionid=")
    assert (headers["Origin"], headers["x-raw"]) == ("http://example.com", b"\xff")
    assert get_header({"headers": headers}, b"origin") == b"http://example.com"


def test_cookies_are_sent_in_one_header(client):
    client.set_cookie("foo", "not-bar")
    client.set_cookie("foo", "bar")
    client.set_cookie("qux", "qu;x")
    session_id = client.session.session_key
    value = sent(client)["headers"]["cookie"]
    assert parse_cookie(value.decode("ascii")) == {
        "foo": "bar",
        "qux": "qu;x",
        "sessionid": session_id,
    }
    assert client.get_cookies() == {"foo": "bar", "qux": "qu;x"}


@pytest.mark.parametrize("name", ["cookie", "Cookie"])
def test_cookies_are_not_set_as_a_header(client, name):
    with pytest.raises(ValueError, match="Use set_cookie"):
        client.set_header(name, "a=b")


@pytest.mark.parametrize("engine", ["db", "signed_cookies", "cached_db"])
def test_the_browsers_session_reaches_the_consumer(client, database, settings, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"

    @http_session
    def answer(message):
        message.reply_channel.send({"text": message.http_session["colour"]})

    client.session["colour"] = "red"
    with apply_routes([route("websocket.connect", answer)]):
        client.send_and_consume("websocket.connect", check_accept=False)
    assert client.receive(json=False) == "red"


def test_the_cookie_of_the_session_goes_with_the_first_message_only(client, database):
    client.session["a"] = 1
    assert django_settings.SESSION_COOKIE_NAME in client.get_cookies()
    sent(client)
    assert client.get_cookies() == {}


def test_a_client_without_a_session_touches_no_database(client, monkeypatch):
    monkeypatch.setattr("django.db.models.query.QuerySet._fetch_all", None)
    monkeypatch.setattr("django.db.models.base.Model.save_base", None)
    assert sent(client)["headers"]["cookie"].startswith(b"sessionid=chn")


def test_what_is_put_into_the_session_between_two_messages_reaches_the_channel_session(
    client, database
):
    @channel_session
    def accept(message):
        message.reply_channel.send({"accept": True})

    @channel_session
    def answer(message):
        message.reply_channel.send({"text": {"preset": message.channel_session["preset"]}})

    with apply_routes([route("websocket.connect", accept), route("websocket.receive", answer)]):
        client.send_and_consume("websocket.connect")
        client.session["preset"] = 2
        client.session.save()
        client.send_and_consume("websocket.receive", text="x")
    assert client.receive() == {"preset": 2}


def test_a_handshake_always_has_the_browsers_session(client, database):
    @http_session
    def answer(message):
        message.reply_channel.send({"text": str(message.http_session is not None)})

    with apply_routes([route("websocket.connect", answer)]):
        client.send_and_consume("websocket.connect", check_accept=False)
    assert client.receive(json=False) == "True"


def test_the_session_is_there_as_the_consumer_left_it(client, database):
    @channel_session
    def remember(message):
        message.channel_session["seen"] = True

    with apply_routes([route("websocket.receive", remember)]):
        client.send_and_consume("websocket.receive", text="x")
    assert client.session["seen"]


@pytest.mark.parametrize(
    ("reply", "received"),
    [
        ({"text": '{"a": 1}'}, {"a": 1}),
        ({"text": {"a": 1}}, {"a": 1}),
        ({"accept": True, "text": None}, None),
        ({"accept": True}, {"accept": True}),
        ({"bytes": b"x"}, {"bytes": b"x"}),
    ],
)
def test_what_is_received_is_what_1_1_8_gave(client, layer, reply, received):
    layer.send(client.reply_channel, reply)
    assert client.receive() == received
    assert client.receive() is None


@pytest.mark.parametrize("orders", [(1, 0), (2, 0, 1), (0, 1)])
def test_ordered_messages_run_in_their_order_whichever_comes_first(client, orders):
    seen = []

    @enforce_ordering
    def note(message):
        seen.append(message["order"])

    with apply_routes([route("websocket.receive", note)]):
        for order in orders:
            client.send_and_consume("websocket.receive", {"order": order}, text="x")
        for _ in orders:
            client.consume("websocket.receive", fail_on_none=False)
    assert seen == sorted(orders)


def test_the_channel_session_can_be_looked_into(client):
    @channel_session
    def remember(message):
        message.channel_session["seen"] = message.channel_session.get("given")

    session = client.channel_session
    session["given"] = 1
    session.save()
    with apply_routes([route("websocket.receive", remember)]):
        client.send_and_consume("websocket.receive")
    assert dict(client.channel_session.items()) == {"given": 1, "seen": 1}


@http_session_user
def http_user(message):
    message.reply_channel.send({"text": message.user.username})


@channel_session_user
def channel_user(message):
    message.reply_channel.send({"text": message.user.username})


@pytest.mark.parametrize("consumer", [http_user, channel_user])
@pytest.mark.parametrize("engine", ["db", "signed_cookies"])
@pytest.mark.parametrize("how", ["login", "force_login"])
def test_who_is_logged_in_is_the_user(client, database, settings, consumer, engine, how):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    user = get_user_model().objects.create_user("ann", password="secret")
    if how == "login":
        assert client.login(username="ann", password="secret")
    else:
        client.force_login(user)
    with apply_routes([route("websocket.connect", consumer)]):
        client.send_and_consume("websocket.connect", check_accept=False)
    assert client.receive(json=False) == "ann"


def test_wrong_credentials_log_nobody_in(client, database):
    get_user_model().objects.create_user("ann", password="secret")
    get_user_model().objects.create_user("ida", password="secret", is_active=False)
    assert not client.login(username="ann", password="wrong")
    assert not client.login(username="ida", password="secret")
    assert list(client.session.keys()) == []


def test_sessions_must_be_installed(client, settings):
    settings.INSTALLED_APPS = ["channels"]
    with pytest.raises(OSError, match="Add django.contrib.sessions to the INSTALLED_APPS"):
        client.session.keys()
