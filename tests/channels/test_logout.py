"""What becomes of a socket whose user logs out in the browser."""

import pytest
from django.contrib.auth import get_user_model, logout
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from channels.auth import (
    channel_and_http_session_user_from_http,
    channel_session_user,
    channel_session_user_from_http,
    close_sockets_of,
)
from channels.consuming.logout import what_to_do
from channels.generic.websockets import WebsocketConsumer
from channels.routing import route, route_class
from channels.test import WSClient, apply_routes


def accept(message):
    message.reply_channel.send({"accept": True})


def who(message):
    message.reply_channel.send({"text": {"user": message.user.username}})


class Chat(WebsocketConsumer):
    http_user = True

    def receive(self, text=None, bytes=None, **kwargs):
        who(self.message)


ROUTES = {
    "functions": [
        route("websocket.connect", channel_session_user_from_http(accept)),
        route("websocket.receive", channel_session_user(who)),
        route("websocket.disconnect", channel_session_user(lambda message: None)),
    ],
    "both sessions": [
        route("websocket.connect", channel_and_http_session_user_from_http(accept)),
        route("websocket.receive", channel_and_http_session_user_from_http(who)),
        route("websocket.disconnect", channel_session_user(lambda message: None)),
    ],
    "class": [route_class(Chat)],
}


@pytest.fixture(params=ROUTES)
def client(layer, database, request):
    """A browser that has logged in and opened a socket."""
    with apply_routes(ROUTES[request.param]):
        yield WSClient()


def log_in_and_connect(client):
    ann = get_user_model().objects.create_user("ann", password="secret")
    client.force_login(ann)
    client.send_and_consume("websocket.connect")
    assert ask(client) == {"user": "ann"}
    return ann


def ask(client):
    client.send_and_consume("websocket.receive", text="who?")
    return client.receive()


def log_out_in_the_browser(client):
    request = HttpRequest()
    request.session = SessionStore(client.session.session_key)
    request.user = get_user_model().objects.get()
    logout(request)


def expire(client):
    Session.objects.all().update(expire_date="2001-01-01 00:00:00+00:00")


def change_password(client):
    user = get_user_model().objects.get()
    user.set_password("new")
    user.save()


def test_by_default_a_socket_keeps_its_user_as_in_1_x(client):
    log_in_and_connect(client)
    log_out_in_the_browser(client)
    assert ask(client) == {"user": "ann"}


@pytest.mark.parametrize("leave", [log_out_in_the_browser, expire, change_password])
def test_a_socket_goes_on_without_a_user(client, settings, leave):
    settings.CHANNELS_AFTER_LOGOUT = "anonymous"
    log_in_and_connect(client)
    leave(client)
    assert ask(client) == {"user": ""}
    assert ask(client) == {"user": ""}


@pytest.mark.parametrize("leave", [log_out_in_the_browser, change_password])
def test_a_socket_is_closed_at_once(client, settings, leave):
    settings.CHANNELS_AFTER_LOGOUT = "close"
    log_in_and_connect(client)
    leave(client)
    assert client.receive() == {"close": 4401}


def test_a_socket_whose_session_has_expired_is_closed_with_its_next_message(client, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"
    log_in_and_connect(client)
    expire(client)
    assert ask(client) == {"close": 4401}
    client.send_and_consume("websocket.disconnect", {"code": 4401})


def test_sockets_can_be_closed_by_hand(client, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"
    ann = log_in_and_connect(client)
    close_sockets_of(ann)
    assert client.receive() == {"close": 4401}


def test_other_sockets_stay(client, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"
    log_in_and_connect(client)
    ida = get_user_model().objects.create_user("ida", password="secret")
    other = WSClient()
    other.force_login(ida)
    other.send_and_consume("websocket.connect")
    close_sockets_of(ida)
    assert other.receive() == {"close": 4401}
    assert client.receive() is None
    assert ask(client) == {"user": "ann"}


def test_a_save_that_changes_no_password_closes_nothing(client, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"
    ann = log_in_and_connect(client)
    ann.first_name = "Ann"
    ann.save()
    assert client.receive() is None


def test_a_wrong_setting_is_refused(settings):
    settings.CHANNELS_AFTER_LOGOUT = "shut"
    with pytest.raises(ImproperlyConfigured, match='must be None, "close" or "anonymous"'):
        what_to_do()
