"""What Channels 2 and 3 had, and both generations' messages on one layer, in process."""

import asyncio
import contextlib

import pytest
from django.test import override_settings

from channels import Group
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.http import AsgiHandler, AsgiRequest
from channels.layers import (
    BaseChannelLayer,
    InMemoryChannelLayer,
    channel_layers,
    get_channel_layer,
)
from channels.routing import ProtocolTypeRouter
from channels.staticfiles import StaticFilesHandler, StaticFilesWrapper
from channels.testing import HttpCommunicator, WebsocketCommunicator
from channels.worker import Worker
from tests.channels.class_consumers.conversations import run

HOST = [(b"host", b"testserver")]


@pytest.mark.parametrize("handler", [AsgiHandler, AsgiHandler()], ids=["class", "instance"])
@override_settings(ALLOWED_HOSTS=["testserver"])
def test_asgi_handler_answers_with_a_view(handler):
    async def main():
        application = ProtocolTypeRouter({"http": handler})
        request = HttpCommunicator(application, "GET", "/nowhere/", headers=HOST)
        response = await request.get_response(timeout=10)
        await request.wait()
        return response

    assert run(main())["status"] == 404


def test_asgi_request_takes_a_body_as_bytes():
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    with contextlib.closing(AsgiRequest(scope, b"body")) as request:
        assert request.read() == b"body"


@pytest.mark.parametrize("kind", ["wrapper", "handler"])
@override_settings(STATIC_URL="/static/", ALLOWED_HOSTS=["testserver"])
def test_static_files_stand_before_an_application(kind):
    async def other(scope, receive, send):
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body", "body": b""})

    application = StaticFilesWrapper(other) if kind == "wrapper" else StaticFilesHandler

    async def status_of(path):
        request = HttpCommunicator(application, "GET", path, headers=HOST)
        response = await request.get_response(timeout=10)
        await request.wait()
        return response["status"]

    async def main():
        return await status_of("/static/nothing.css"), await status_of("/page/")

    assert run(main()) == (404, 204 if kind == "wrapper" else 404)


@pytest.fixture
def layer():
    old = channel_layers.set("default", InMemoryChannelLayer())
    yield get_channel_layer()
    channel_layers.set("default", old)


class Async(AsyncWebsocketConsumer):
    groups = ["all"]


class Sync(WebsocketConsumer):
    groups = ["all"]


@pytest.mark.parametrize("consumer", [Async, Sync])
def test_a_frame_of_either_generation_needs_no_handler(layer, consumer):
    async def main():
        socket = WebsocketCommunicator(consumer.as_asgi(), "/")
        await socket.connect()
        group = Group("all", channel_layer=layer.engine)
        await asyncio.to_thread(group.send, {"text": "from 1.x"})
        assert await socket.receive_from() == "from 1.x"
        await layer.group_send("all", {"type": "websocket.send", "bytes": b"from 4"})
        assert await socket.receive_from() == b"from 4"
        await asyncio.to_thread(group.send, {"text": "last", "close": 4001})
        assert await socket.receive_from() == "last"
        assert await socket.receive_output() == {"type": "websocket.close", "code": 4001}
        await socket.disconnect()

    run(main())


class AsyncUndecided(Async):
    async def connect(self):
        """Somebody else decides."""


class SyncUndecided(Sync):
    def connect(self):
        """Somebody else decides."""


@pytest.mark.parametrize("consumer", [AsyncUndecided, SyncUndecided])
def test_a_message_of_1_x_answers_the_handshake_of_a_class_consumer(layer, consumer):
    async def main():
        socket = WebsocketCommunicator(consumer.as_asgi(), "/", subprotocols=["v1", "v2"])
        await socket.send_input({"type": "websocket.connect"})
        group = Group("all", channel_layer=layer.engine)
        while not await asyncio.to_thread(group.channels):
            await asyncio.sleep(0.01)
        message = {"accept": True, "subprotocol": "v2", "text": "welcome"}
        await asyncio.to_thread(group.send, message)
        answer = await socket.receive_output(5)
        assert answer == {"type": "websocket.accept", "subprotocol": "v2"}
        assert await socket.receive_from(5) == "welcome"
        await socket.disconnect()

    run(main())


def test_a_worker_of_named_channels_runs_their_application(layer):
    handled = []

    async def application(scope, receive, send):
        while True:
            event = await receive()
            handled.append((scope["channel"], event["n"]))
            if event["n"] == 2:
                raise RuntimeError("broken")

    async def main():
        worker = Worker(application, ["one", "two"], layer, max_applications=10)
        working = asyncio.ensure_future(worker.handle())
        for number in (1, 2, 3):
            await layer.send("one", {"type": "work", "n": number})
        await layer.send("one", {"n": "without a type"})
        await layer.send("two", {"type": "work", "n": 4})
        while len(handled) < 4:
            await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    run(asyncio.wait_for(main(), 10))
    assert sorted(handled) == [("one", 1), ("one", 2), ("one", 3), ("two", 4)]


def test_a_worker_of_named_channels_needs_a_layer():
    with pytest.raises(ValueError, match="Channel layer is not valid"):
        Worker(application=None, channels=["one"], channel_layer=None)


@pytest.mark.parametrize("application", [Async.as_asgi()])
def test_layers_are_made_anew_when_the_settings_change(application):
    first = get_channel_layer()
    with override_settings(
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    ):
        assert get_channel_layer() is not first
        assert get_channel_layer() is get_channel_layer()
        assert get_channel_layer("other") is None
    with override_settings(CHANNEL_LAYERS={}):
        assert get_channel_layer() is None


def test_a_layer_that_is_set_is_the_one_of_both_generations():
    from channels import asgi

    before = asgi.channel_layers["default"]
    mine = InMemoryChannelLayer()
    old = channel_layers.set("default", mine)
    Group("all").add("somebody")
    assert mine.engine.group_channels("all") == ["somebody"]
    assert get_channel_layer() is mine
    channel_layers.set("default", old)
    assert asgi.channel_layers["default"] is before
    assert get_channel_layer() is not mine


class Foreign(BaseChannelLayer):
    """A layer of somebody else's, made for Channels 4."""

    async def group_send(self, group, message):
        pass


def test_a_layer_of_others_is_used_as_it_is_and_1_x_is_told_that_it_can_not():
    backend = {"BACKEND": f"{__name__}.Foreign", "CONFIG": {"capacity": 7}}
    with override_settings(CHANNEL_LAYERS={"default": backend}):
        assert isinstance(get_channel_layer(), Foreign)
        assert get_channel_layer().capacity == 7
        with pytest.raises(AttributeError, match="made for Channels 2 and later"):
            Group("all").send({"text": "hello"})
