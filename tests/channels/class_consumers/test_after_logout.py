"""What becomes of the sockets of class consumers whose user logs out in the browser, in process."""

import asyncio
import logging

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth import logout as log_out_of_django
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from channels import auth
from channels.auth import AuthMiddlewareStack, close_sockets_of
from channels.consumer import AsyncConsumer
from channels.exceptions import LayerUnavailable, StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from tests.channels.class_consumers.conversations import conversation, run

BACKEND = "django.contrib.auth.backends.ModelBackend"
CLOSED = {"type": "websocket.close", "code": 4401}


class Sync(JsonWebsocketConsumer):
    def receive_json(self, content):
        self.send_json(self.scope["user"].username)


class Async(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        await self.send_json(self.scope["user"].username)


class Plain(AsyncConsumer):
    """One that is made of nothing but events."""

    async def websocket_connect(self, event):
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, event):
        await self.send({"type": "websocket.send", "text": f'"{self.scope["user"].username}"'})

    async def websocket_disconnect(self, event):
        raise StopConsumer


@pytest.fixture
def session(ann):
    session = SessionStore()
    async_to_sync(auth.login)({"session": session}, ann, BACKEND)
    session.save()
    return session


@pytest.fixture(params=[Sync, Async, Plain])
def talk_to(request, layer, session):
    """Runs what a test does with a socket of the user."""

    def talk_to(test):
        async def main():
            cookie = f"sessionid={session.session_key}".encode()
            scope = {"headers": [(b"cookie", cookie)]}
            async with conversation(AuthMiddlewareStack(request.param.as_asgi()), scope) as talk:
                await talk.say("websocket.connect")
                assert (await talk.hears())["type"] == "websocket.accept"
                assert await ask(talk) == {"type": "websocket.send", "text": '"ann"'}
                await test(talk)
                await talk.say("websocket.disconnect", code=1000)
                await talk.wait()

        run(main())

    return talk_to


async def ask(talk):
    await talk.say("websocket.receive", text='"who?"')
    event = await talk.hears()
    return {key: value for key, value in event.items() if value is not None}


def log_out_in_the_browser(session):
    request = HttpRequest()
    request.session = SessionStore(session.session_key)
    request.user = get_user_model().objects.get()
    log_out_of_django(request)


def expire(session):
    Session.objects.all().update(expire_date="2001-01-01 00:00:00+00:00")


def change_password(session):
    user = get_user_model().objects.get()
    user.set_password("new")
    user.save()


def deactivate(session):
    close_sockets_of(get_user_model().objects.get())


LEAVES = [log_out_in_the_browser, expire, change_password]


@pytest.mark.parametrize("leave", LEAVES)
def test_by_default_an_instance_keeps_its_user(talk_to, session, leave):
    async def test(talk):
        await sync_to_async(leave)(session)
        assert await ask(talk) == {"type": "websocket.send", "text": '"ann"'}

    talk_to(test)


@pytest.mark.parametrize("leave", LEAVES)
def test_an_instance_goes_on_without_a_user(talk_to, session, settings, leave):
    settings.CHANNELS_AFTER_LOGOUT = "anonymous"

    async def test(talk):
        await sync_to_async(leave)(session)
        for _ in range(2):
            assert await ask(talk) == {"type": "websocket.send", "text": '""'}

    talk_to(test)


@pytest.mark.parametrize("leave", [log_out_in_the_browser, change_password, deactivate])
def test_an_instance_is_closed_at_once(talk_to, session, settings, leave):
    settings.CHANNELS_AFTER_LOGOUT = "close"

    async def test(talk):
        await sync_to_async(leave)(session)
        assert await talk.hears() == CLOSED

    talk_to(test)


def test_an_instance_whose_session_has_expired_is_closed_with_its_next_frame(
    talk_to, session, settings
):
    settings.CHANNELS_AFTER_LOGOUT = "close"

    async def test(talk):
        await sync_to_async(expire)(session)
        assert await ask(talk) == CLOSED

    talk_to(test)


def test_a_save_that_changes_no_password_closes_nothing(talk_to, ann, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"

    async def test(talk):
        await sync_to_async(ann.save)()
        assert await talk.receive_nothing(0.05)
        assert await ask(talk) == {"type": "websocket.send", "text": '"ann"'}

    talk_to(test)


class LoggingIn(AsyncJsonWebsocketConsumer):
    """Logs its user in and out by itself."""

    async def receive_json(self, name):
        if name == "out":
            await auth.logout(self.scope)
            return
        if name:
            user = await get_user_model().objects.aget(username=name)
            await auth.login(self.scope, user, BACKEND)
            await sync_to_async(self.scope["session"].save)()
        await self.send_json(self.scope["user"].username)


def talk_to_one_that_logs_in(test):
    async def main():
        async with conversation(AuthMiddlewareStack(LoggingIn.as_asgi())) as talk:
            await talk.say("websocket.connect")
            await talk.hears()
            for name in ("ann", ""):  # by the second answer the handler of the first has ended
                await talk.say("websocket.receive", text=f'"{name}"')
                assert (await talk.hears())["text"] == '"ann"'
            await test(talk)

    run(main())


def test_who_logs_in_by_the_socket_is_followed_from_then_on(layer, ann, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"

    async def test(talk):
        await sync_to_async(change_password)(None)
        assert await talk.hears() == CLOSED

    talk_to_one_that_logs_in(test)


def test_who_logs_out_by_one_socket_is_out_of_the_others_of_the_session(layer, ann, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"

    async def test(talk):
        await talk.say("websocket.receive", text='"out"')
        assert await talk.hears() == CLOSED

    talk_to_one_that_logs_in(test)


def test_a_log_out_does_not_fail_because_the_layer_is_away(
    layer, session, settings, monkeypatch, caplog
):
    settings.CHANNELS_AFTER_LOGOUT = "close"

    def refuse(*args, **kwargs):
        raise LayerUnavailable("Redis is away", was_sent=False)

    monkeypatch.setattr(layer, "apply", refuse)
    with caplog.at_level(logging.ERROR):
        log_out_in_the_browser(session)
        change_password(session)
    assert not SessionStore(session.session_key).get("_auth_user_id")
    assert caplog.text.count("closed with their next message") == 2


def test_a_user_without_a_session_is_closed_by_hand(layer, ann, settings):
    settings.CHANNELS_AFTER_LOGOUT = "close"

    async def main():
        async with conversation(Async.as_asgi(), {"user": ann}) as talk:
            await talk.say("websocket.connect")
            await talk.hears()
            assert await ask(talk) == {"type": "websocket.send", "text": '"ann"'}
            await sync_to_async(close_sockets_of)(ann)
            assert await talk.hears() == CLOSED

    run(asyncio.wait_for(main(), 10))
