"""What tutorials and libraries rely on besides names and events."""

import asyncio

import pytest
from asgiref.sync import async_to_sync

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import InvalidChannelLayerError
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator
from tests.channels.class_consumers.conversations import conversation, run


@pytest.fixture
def set_layer():
    olds = []

    def set_it(layer):
        olds.append(channel_layers.set("default", layer))
        return get_channel_layer()

    yield set_it
    if olds:
        channel_layers.set("default", olds[0])


@pytest.fixture
def layer(set_layer):
    return set_layer(InMemoryChannelLayer())


class AsyncMember(AsyncWebsocketConsumer):
    """Is in a group from before `connect` on: it hears what it says there itself."""

    groups = ["room"]

    async def connect(self):
        await self.accept()
        await self.channel_layer.group_send("room", {"type": "room.said", "text": "I am here"})

    async def room_said(self, event):
        await self.send(text_data=f"{event['text']}, on {self.channel_name}")


class SyncMember(WebsocketConsumer):
    """The same, as a sync one."""

    groups = ["room"]

    def connect(self):
        self.accept()
        said = {"type": "room.said", "text": "I am here"}
        async_to_sync(self.channel_layer.group_send)("room", said)

    def room_said(self, event):
        self.send(text_data=f"{event['text']}, on {self.channel_name}")


@pytest.mark.parametrize("member", [AsyncMember, SyncMember])
def test_a_consumer_is_in_its_groups_from_before_connect_until_it_has_disconnected(layer, member):
    async def main():
        socket = WebsocketCommunicator(member.as_asgi(), "/")
        assert await socket.connect(timeout=5) == (True, None)
        text = await socket.receive_from(timeout=5)
        await socket.disconnect(timeout=5)
        await layer.group_send("room", {"type": "room.said", "text": "anybody?"})
        name = text.rpartition(" ")[2]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(layer.receive(name), 0.05)
        return name

    name = run(main())
    assert "!" in name
    assert len(name) < 100
    assert layer.require_valid_channel_name(name)


def test_a_full_channel_loses_its_message_of_a_group_and_nobody_is_told(set_layer):
    layer = set_layer(InMemoryChannelLayer(capacity=1))

    async def main():
        full, other = await layer.new_channel(), await layer.new_channel()
        await layer.group_add("room", full)
        await layer.group_add("room", other)
        await layer.group_send("room", {"type": "a", "n": 1})
        assert (await layer.receive(other))["n"] == 1
        await layer.group_send("room", {"type": "a", "n": 2})
        assert (await layer.receive(other))["n"] == 2
        return (await layer.receive(full))["n"]

    assert run(main()) == 1


def test_a_connect_that_neither_accepts_nor_closes_leaves_the_handshake_open(layer):
    class Undecided(AsyncWebsocketConsumer):
        async def connect(self):
            """Decides later."""

        async def decide(self, event):
            await self.accept(subprotocol="late")

    async def main():
        socket = WebsocketCommunicator(Undecided.as_asgi(), "/", subprotocols=["late"])
        await socket.send_input({"type": "websocket.connect"})
        assert await socket.receive_nothing(0.05, 0.01)
        await socket.send_input({"type": "decide"})
        assert (await socket.receive_output(5))["subprotocol"] == "late"
        await socket.disconnect(timeout=5)

    run(main())


def test_groups_without_a_layer_are_an_error_that_says_so(set_layer):
    class Grouped(AsyncWebsocketConsumer):
        channel_layer_alias = "nowhere"
        groups = ["room"]

    async def main():
        socket = WebsocketCommunicator(Grouped.as_asgi(), "/")
        with pytest.raises(InvalidChannelLayerError, match="groups"):
            await socket.connect(timeout=5)

    run(main())


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_old_connections_are_closed_around_work_with_the_database(layer, monkeypatch, kind):
    closed = []
    monkeypatch.setattr("channels.db.close_old_connections", lambda: closed.append("closed"))

    class Sync(WebsocketConsumer):
        def receive(self, text_data=None, bytes_data=None):
            closed.append("work")
            self.send(text_data="done")

    class Async(AsyncWebsocketConsumer):
        async def receive(self, text_data=None, bytes_data=None):
            await database_sync_to_async(closed.append)("work")
            await self.send(text_data="done")

    async def main():
        application = (Sync if kind == "sync" else Async).as_asgi()
        async with conversation(application) as talk:  # communicators keep a test's connections
            await talk.say("websocket.connect")
            await talk.hears()
            await talk.say("websocket.receive", text="x")
            await talk.hears()

    run(main())
    place = closed.index("work")
    assert closed[place - 1 : place + 2] == ["closed", "work", "closed"]


def test_the_version_of_the_specification_reaches_the_consumer(layer):
    found = []

    class Asking(AsyncConsumer):
        async def websocket_connect(self, event):
            found.append(self.scope.get("spec_version"))
            await self.send({"type": "websocket.accept"})

    async def main():
        socket = WebsocketCommunicator(Asking.as_asgi(), "/", spec_version="2.3")
        await socket.connect(timeout=5)

    run(main())
    assert found == ["2.3"]
