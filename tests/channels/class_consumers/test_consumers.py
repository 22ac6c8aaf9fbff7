"""Consumers of Channels 2 and later, event by event."""

import asyncio

import pytest
from asgiref.sync import async_to_sync

from channels.consumer import AsyncConsumer, SyncConsumer, get_handler_name
from channels.exceptions import AcceptConnection, DenyConnection, StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer
from tests.channels.class_consumers.conversations import conversation, run


@pytest.fixture(autouse=True)
def layer():
    old = channel_layers.set("default", InMemoryChannelLayer())
    yield get_channel_layer()
    channel_layers.set("default", old)


class AsyncEcho(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)

    async def chat_message(self, event):
        await self.send(text_data=event["text"])


class SyncEcho(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=text_data, bytes_data=bytes_data)

    def chat_message(self, event):
        self.send(text_data=event["text"])


both_echoes = pytest.mark.parametrize("echo", [AsyncEcho, SyncEcho])


@both_echoes
def test_a_frame_comes_back(echo):
    async def main():
        async with conversation(echo.as_asgi()) as talk:
            await talk.say("websocket.connect")
            assert (await talk.hears())["type"] == "websocket.accept"
            await talk.say("websocket.receive", text="hello")
            assert await talk.hears() == {"type": "websocket.send", "text": "hello"}
            await talk.say("websocket.receive", bytes=b"\0")
            assert await talk.hears() == {"type": "websocket.send", "bytes": b"\0"}
            await talk.say("websocket.disconnect", code=1000)
            await talk.wait(5)

    run(main())


@both_echoes
def test_a_message_on_its_own_channel_reaches_the_handler_that_its_type_names(echo, layer):
    names = []

    class Named(echo):
        groups = ["all"]

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            names.append(self)

    async def main():
        async with conversation(Named.as_asgi()) as talk:
            await talk.say("websocket.connect")
            await talk.hears()
            name = names[0].channel_name
            assert "!" in name and len(name) < 100
            await layer.send(name, {"type": "chat.message", "text": "one"})
            assert (await talk.hears())["text"] == "one"
            await layer.group_send("all", {"type": "chat_message", "text": "two"})
            assert (await talk.hears())["text"] == "two"
            await talk.say("websocket.disconnect", code=1000)
            await talk.wait(5)
            assert await layer.engine.agroup_channels("all") == []

    run(main())


@pytest.mark.parametrize(
    "message", [{"type": "no.such"}, {"text": "no type"}, {"type": "_private"}]
)
@pytest.mark.parametrize("consumer", [AsyncConsumer, SyncConsumer])
def test_what_no_handler_is_for_ends_the_instance_with_a_value_error(consumer, message):
    async def main():
        async with conversation(consumer.as_asgi()) as talk:
            await talk.send_input(message)
            with pytest.raises(ValueError, match="type"):
                await talk.wait(5)

    run(main())


def test_dots_of_a_type_are_underscores_of_its_handler():
    assert get_handler_name({"type": "chat.message.new"}) == "chat_message_new"


def test_stop_consumer_ends_the_instance():
    class Once(AsyncConsumer):
        async def once(self, event):
            raise StopConsumer()

    async def main():
        async with conversation(Once.as_asgi()) as talk:
            await talk.say("once")
            await talk.wait(5)

    run(main())


@pytest.mark.parametrize(
    ("error", "answer"),
    [(AcceptConnection, "websocket.accept"), (DenyConnection, "websocket.close")],
)
@pytest.mark.parametrize("base", [AsyncWebsocketConsumer, WebsocketConsumer])
def test_connect_may_answer_by_an_exception(base, error, answer):
    class Sync(WebsocketConsumer):
        def connect(self):
            raise error()

    class Async(AsyncWebsocketConsumer):
        async def connect(self):
            raise error()

    async def main():
        consumer = Sync if base is WebsocketConsumer else Async
        async with conversation(consumer.as_asgi()) as talk:
            await talk.say("websocket.connect")
            assert (await talk.hears())["type"] == answer

    run(main())


def test_an_error_in_a_handler_reaches_the_host_server():
    class Broken(AsyncWebsocketConsumer):
        async def receive(self, text_data=None, bytes_data=None):
            raise RuntimeError("broken")

    async def main():
        async with conversation(Broken.as_asgi()) as talk:
            await talk.say("websocket.connect")
            await talk.hears()
            await talk.say("websocket.receive", text="")
            with pytest.raises(RuntimeError, match="broken"):
                await talk.wait(5)

    run(main())


def test_a_frame_and_a_message_are_never_handled_at_the_same_time(layer):
    running, most = 0, 0
    names = []

    class Slow(AsyncEcho):
        async def websocket_connect(self, message):
            names.append(self.channel_name)
            await super().websocket_connect(message)

        async def dispatch(self, message):
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5):
                await asyncio.sleep(0)
            await super().dispatch(message)
            running -= 1

    async def main():
        async with conversation(Slow.as_asgi()) as talk:
            await talk.say("websocket.connect")
            await talk.hears()
            for _ in range(20):
                await talk.say("websocket.receive", text="frame")
                await layer.send(names[0], {"type": "chat.message", "text": "message"})
            heard = [(await talk.hears())["text"] for _ in range(40)]
            assert sorted(heard) == ["frame"] * 20 + ["message"] * 20

    run(main())
    assert most == 1


def test_json_consumers_take_and_send_json():
    class Sync(JsonWebsocketConsumer):
        def receive_json(self, content, **kwargs):
            self.send_json({"got": content})

    class Async(AsyncJsonWebsocketConsumer):
        async def receive_json(self, content, **kwargs):
            await self.send_json({"got": content})

    async def main():
        for consumer in (Sync, Async):
            async with conversation(consumer.as_asgi()) as talk:
                await talk.say("websocket.connect")
                await talk.hears()
                await talk.say("websocket.receive", text="[1]")
                assert (await talk.hears())["text"] == '{"got": [1]}'

    run(main())


def test_close_carries_a_code_and_a_reason():
    class Closing(WebsocketConsumer):
        def connect(self):
            self.close(4001, reason="not you")

    async def main():
        async with conversation(Closing.as_asgi()) as talk:
            await talk.say("websocket.connect")
            assert await talk.hears() == {
                "type": "websocket.close",
                "code": 4001,
                "reason": "not you",
            }

    run(main())


def test_a_sync_consumer_reaches_the_layer_through_async_to_sync():
    class Joining(SyncEcho):
        def connect(self):
            async_to_sync(self.channel_layer.group_add)("room", self.channel_name)
            self.accept()
            async_to_sync(self.channel_layer.group_send)(
                "room", {"type": "chat.message", "text": "joined"}
            )

    async def main():
        async with conversation(Joining.as_asgi()) as talk:
            await talk.say("websocket.connect")
            assert (await talk.hears())["type"] == "websocket.accept"
            assert (await talk.hears())["text"] == "joined"

    run(main())


def test_an_http_consumer_answers_when_the_body_is_complete():
    class Length(AsyncHttpConsumer):
        async def handle(self, body):
            await self.send_response(200, b"%d" % len(body), headers={b"x": b"y"})

    async def main():
        async with conversation(Length.as_asgi(), {"type": "http", "method": "POST"}) as talk:
            await talk.say("http.request", body=b"12", more_body=True)
            await talk.say("http.request", body=b"345")
            start = await talk.hears()
            assert (start["status"], start["headers"]) == (200, [(b"x", b"y")])
            assert (await talk.hears())["body"] == b"5"
            await talk.wait(5)

    run(main())


def test_a_class_is_an_application_that_is_called_twice_or_once():
    class Scoped(AsyncEcho):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.path = self.scope["path"]

        async def connect(self):
            await self.accept(subprotocol=self.path)

    async def twice(scope, receive, send):
        await Scoped(scope)(receive, send)

    async def once(scope, receive, send):
        await Scoped(scope, receive, send)

    async def main():
        for application in (twice, once):
            async with conversation(application) as talk:
                await talk.say("websocket.connect")
                assert (await talk.hears())["subprotocol"] == "/"

    run(main())


def test_a_host_gives_the_channel_name_and_both_kinds_of_events():
    attached = []

    class Host:
        channel_name = "websocket.send.abc!1"
        executor = None

        async def attach(self, consumer):
            consumer.count = 7
            attached.append(consumer)

    class Counting(AsyncEcho):
        async def receive(self, text_data=None, bytes_data=None):
            await self.send(text_data=f"{self.count} {self.channel_name}")

    async def main():
        scope = {"extensions": {"channels.hosting": Host()}}
        async with conversation(Counting.as_asgi(), scope) as talk:
            await talk.say("websocket.receive", text="?")
            assert (await talk.hears())["text"] == "7 websocket.send.abc!1"
            await talk.say("chat.message", text="over the layer")
            assert (await talk.hears())["text"] == "over the layer"

    run(main())
    assert isinstance(attached[0], Counting)


def test_an_instance_that_fails_is_in_no_group_any_more(layer):
    class Failing(AsyncEcho):
        async def connect(self):
            await self.channel_layer.group_add("room", self.channel_name)
            await self.accept()

        async def receive(self, text_data=None, bytes_data=None):
            raise RuntimeError("broken")

    async def main():
        async with conversation(Failing.as_asgi()) as talk:
            await talk.say("websocket.connect")
            await talk.hears()
            assert len(await layer.engine.agroup_channels("room")) == 1
            await talk.say("websocket.receive", text="")
            with pytest.raises(RuntimeError, match="broken"):
                await talk.wait(5)
            assert await layer.engine.agroup_channels("room") == []

    run(main())
