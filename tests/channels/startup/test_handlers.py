"""Handlers of class consumers that are called and never run."""

import pytest
from django.urls import path

from channels.auth import AuthMiddlewareStack
from channels.consumer import SyncConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.startup.handlers import find_unrun_handlers
from tests.channels.startup.test_checks import run_checks


class AsyncReceive(WebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        """Never runs."""


class Yielding(JsonWebsocketConsumer):
    def receive_json(self, content):
        yield content


class AsyncYielding(WebsocketConsumer):
    async def connect(self):
        yield


class RawAsync(SyncConsumer):
    async def websocket_receive(self, event):
        """Never runs."""


class Good(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send("x")

    async def a_helper(self):
        """May be anything."""

    def another(self):
        yield 1


class GoodAsync(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        """Runs."""


def behind_everything(consumer):
    """An application as tutorials have it, and as it may be made."""
    return ProtocolTypeRouter(
        {
            "websocket": AllowedHostsOriginValidator(
                AuthMiddlewareStack(URLRouter([path("x/", URLRouter([path("y/", consumer)]))]))
            ),
            "channel": ChannelNameRouter({"jobs": consumer}),
        }
    )


@pytest.mark.parametrize(
    ("consumer", "handler", "what"),
    [
        (AsyncReceive, "receive", "is async def"),
        (Yielding, "receive_json", "has a yield in it"),
        (AsyncYielding, "connect", "has a yield in it"),
        (RawAsync, "websocket_receive", "is async def"),
    ],
)
@pytest.mark.parametrize("is_made", [True, False], ids=["as_asgi", "class"])
def test_a_handler_that_never_runs_is_found_wherever_it_is(consumer, handler, what, is_made):
    application = behind_everything(consumer.as_asgi() if is_made else consumer)
    ((text, hint),) = find_unrun_handlers(application)
    assert text.startswith(f"{__name__}.{consumer.__name__}.{handler} {what}")
    assert hint


@pytest.mark.parametrize("consumer", [Good, GoodAsync, WebsocketConsumer, AsyncWebsocketConsumer])
def test_what_runs_is_let_be(consumer):
    assert list(find_unrun_handlers(behind_everything(consumer.as_asgi()))) == []


application = behind_everything(AsyncReceive.as_asgi())


def test_check_warns_of_it():
    found = run_checks(ASGI_APPLICATION=f"{__name__}.application")["W018"]
    assert "AsyncReceive.receive is async def" in found.msg
    assert "AsyncWebsocketConsumer" in found.hint
