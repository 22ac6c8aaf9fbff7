"""WebsocketConsumer and JsonWebsocketConsumer."""

import asyncio
import logging

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import SynchronousOnlyOperation

from channels import Group
from channels.exceptions import DenyConnection, InvalidName, WebsocketCloseException
from channels.generic.websockets import JsonWebsocketConsumer, WebsocketConsumer
from channels.routing import route_class
from channels.test import WSClient, apply_routes


class Echo(WebsocketConsumer):
    def receive(self, text=None, bytes=None, **kwargs):
        self.send(text=text, bytes=bytes)


class JsonEcho(JsonWebsocketConsumer):
    def receive(self, content, **kwargs):
        self.send({"got": content, **kwargs})


class AsyncEcho(WebsocketConsumer):
    groups = ["everyone"]

    def connect(self, message, **kwargs):
        get_user_model().objects.count()  # plain methods may use the database
        self.message.reply_channel.send({"accept": True})

    async def receive(self, text=None, bytes=None, **kwargs):
        await asyncio.sleep(0)
        with pytest.raises(SynchronousOnlyOperation):
            get_user_model().objects.count()
        self.send(text=text, bytes=bytes)


def test_by_default_a_socket_is_accepted_and_says_nothing(open_socket, frame):
    client = open_socket(WebsocketConsumer)
    frame(client, "hello")
    client.send_and_consume("websocket.disconnect")
    assert client.receive() is None


@pytest.mark.parametrize("consumer", [Echo, AsyncEcho])
def test_text_and_bytes_come_in_and_go_out(open_socket, frame, database, consumer):
    client = open_socket(consumer)
    frame(client, "hello")
    assert client.receive(json=False) == "hello"
    frame(client, bytes=b"\x00\xff")
    assert client.receive() == {"bytes": b"\x00\xff"}
    frame(client, bytes=b"\x01", text=None)
    assert client.receive() == {"bytes": b"\x01"}


def test_the_path_is_an_attribute_and_its_groups_are_arguments(open_socket, frame):
    seen = []

    class Room(WebsocketConsumer):
        def receive(self, text=None, bytes=None, **kwargs):
            seen.append((self.path, kwargs, self.kwargs))

    client = open_socket(Room, path=r"^/(?P<room>\w+)$")
    frame(client, "x")
    assert seen == [("/one", {"room": "one"}, {"room": "one"})]


@pytest.mark.parametrize("consumer", [WebsocketConsumer, AsyncEcho])
def test_a_socket_joins_its_groups_and_leaves_them(open_socket, layer, database, consumer):
    class InGroups(consumer):
        groups = ["one", "two"]

    client = open_socket(InGroups)
    assert layer.group_channels("one") == layer.group_channels("two") == [client.reply_channel]

    client.send_and_consume("websocket.disconnect", path="/one")
    assert layer.group_channels("one") == layer.group_channels("two") == []


def in_a_coroutine(connect):
    async def async_connect(self, message, **kwargs):
        await sync_to_async(connect)(self, message, **kwargs)

    return async_connect


def as_it_is(connect):
    return connect


@pytest.mark.parametrize("kind", [as_it_is, in_a_coroutine])
def test_a_socket_that_is_refused_gets_nothing_from_its_groups(layer, kind):
    def connect(self, message, **kwargs):
        assert layer.group_channels("everyone") == []
        Group("everyone").send({"text": "for members"}, immediately=True)
        raise DenyConnection

    consumer = type(
        "Closed", (WebsocketConsumer,), {"groups": ["everyone"], "connect": kind(connect)}
    )
    client = WSClient()
    with apply_routes([route_class(consumer)]), pytest.raises(DenyConnection):
        client.send_and_consume("websocket.connect")
    assert client.receive() is None
    assert layer.group_channels("everyone") == []


@pytest.mark.parametrize("kind", [as_it_is, in_a_coroutine])
def test_what_connect_sends_to_its_group_comes_to_its_socket_too(open_socket, layer, kind):
    def connect(self, message, **kwargs):
        message.reply_channel.send({"accept": True})
        Group("everyone").send({"text": "hello"})

    consumer = type(
        "Greeter", (WebsocketConsumer,), {"groups": ["everyone"], "connect": kind(connect)}
    )
    assert open_socket(consumer).receive(json=False) == "hello"


def test_a_socket_that_can_not_join_its_groups_is_closed(layer):
    class Wrong(WebsocketConsumer):
        groups = ["no name for a group"]

    client = WSClient()
    with apply_routes([route_class(Wrong)]), pytest.raises(InvalidName):
        client.send_and_consume("websocket.connect", check_accept=False)
    assert [client.receive() for _ in range(3)] == [{"accept": True}, {"close": 1011}, None]


def test_connection_groups_may_depend_on_the_path(open_socket, layer):
    class Room(WebsocketConsumer):
        def connection_groups(self, room, **kwargs):
            return [f"room-{room}"]

    client = open_socket(Room, path=r"^/(?P<room>\w+)$")
    assert layer.group_channels("room-one") == [client.reply_channel]


def test_a_string_of_groups_is_refused_by_name(open_socket):
    class Wrong(WebsocketConsumer):
        groups = "everyone"

    with pytest.raises(TypeError, match=r"Wrong: connection_groups\(\) must return a list.*wrap"):
        open_socket(Wrong)


def test_group_send_reaches_every_member(open_socket):
    client = open_socket(AsyncEchoWithoutDatabase)
    AsyncEchoWithoutDatabase.group_send("everyone", text="hi", close=True)
    assert client.receive(json=False) == "hi"
    AsyncEchoWithoutDatabase.group_send("everyone", bytes=b"hi")
    assert client.receive() == {"bytes": b"hi"}


class AsyncEchoWithoutDatabase(AsyncEcho):
    async def connect(self, message, **kwargs):
        message.reply_channel.send({"accept": True})


def test_a_frame_may_close_the_socket(open_socket, frame):
    class Bye(WebsocketConsumer):
        def receive(self, text=None, bytes=None, **kwargs):
            self.send(text="bye", close=4001)
            self.close()
            self.close(4002)

    client = open_socket(Bye)
    frame(client, "x")
    messages = [client.get_next_message(client.reply_channel).content for _ in range(3)]
    assert messages == [{"text": "bye", "close": 4001}, {"close": True}, {"close": 4002}]


def test_a_close_exception_closes_the_socket(open_socket, frame):
    class Leave(WebsocketConsumer):
        def receive(self, text=None, bytes=None, **kwargs):
            raise WebsocketCloseException(4005)

    client = open_socket(Leave)
    frame(client, "x")
    assert client.receive() == {"close": 4005}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "You must pass text or bytes"),
        ({"close": True}, "You must pass text or bytes"),
        ({"text": "a", "bytes": b"b"}, "either text or bytes"),
    ],
)
def test_a_frame_is_either_text_or_bytes(arguments, problem):
    with pytest.raises(ValueError, match=problem):
        WebsocketConsumer.group_send("g", **arguments)


def test_empty_frames_are_frames(open_socket, frame):
    client = open_socket(Echo)
    frame(client, "")
    assert client.get_next_message(client.reply_channel).content == {"text": ""}
    frame(client, bytes=b"")
    assert client.receive() == {"bytes": b""}


def test_slight_ordering_is_refused_where_the_class_is_made():
    with pytest.raises(ValueError, match="Old sets slight_ordering.*remove"):

        class Old(WebsocketConsumer):
            slight_ordering = True


# -- ordering, sessions, users ------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_strict_ordering_runs_what_comes_early_in_its_turn(layer, is_async):
    seen = []

    class Ordered(WebsocketConsumer):
        strict_ordering = True

        def receive(self, text=None, bytes=None, **kwargs):
            seen.append(text)

    class OrderedAsync(Ordered):
        async def receive(self, text=None, bytes=None, **kwargs):
            seen.append(text)

    client = WSClient()
    with apply_routes([route_class(OrderedAsync if is_async else Ordered)]):
        client.send_and_consume("websocket.connect", {"order": 0})
        client.send_and_consume("websocket.receive", {"order": 3}, text="third")
        client.send_and_consume("websocket.receive", {"order": 2}, text="second")
        assert seen == []
        client.send_and_consume("websocket.receive", {"order": 1}, text="first")
        client.consume("websocket.receive")
        client.consume("websocket.receive")
    assert seen == ["first", "second", "third"]


@pytest.fixture
def user(database):
    return get_user_model().objects.create_user("ann", password="secret")


class WhoAmI(JsonWebsocketConsumer):
    http_user = True

    def receive(self, content, **kwargs):
        self.send(
            {
                "user": self.message.user.username,
                "session": "channel_session" in vars(self.message),
                "http": getattr(self.message, "http_session", None) is not None,
            }
        )


class WhoAmIAsync(WhoAmI):
    async def receive(self, content, **kwargs):
        super().receive(content, **kwargs)


class WhoAmIInFull(WhoAmI):
    http_user = False
    http_user_and_session = True


@pytest.mark.parametrize("consumer", [WhoAmI, WhoAmIAsync])
def test_http_user_is_there_in_every_message(layer, user, consumer):
    client = WSClient()
    assert client.login(username="ann", password="secret")
    with apply_routes([route_class(consumer)]):
        client.send_and_consume("websocket.connect")
        client.send_and_consume("websocket.receive", {"headers": []}, text="{}")
    assert client.receive() == {"user": "ann", "session": True, "http": False}


def test_http_user_and_session_has_the_http_session_too(layer, user):
    client = WSClient()
    client.force_login(user)
    with apply_routes([route_class(WhoAmIInFull)]):
        client.send_and_consume("websocket.connect")
        client.send_and_consume("websocket.receive", {"headers": []}, text="{}")
    assert client.receive() == {"user": "ann", "session": True, "http": True}


def test_without_a_login_the_user_is_anonymous(layer, database):
    client = WSClient()
    with apply_routes([route_class(WhoAmI)]):
        client.send_and_consume("websocket.connect")
        client.send_and_consume("websocket.receive", {"headers": []}, text="{}")
    assert client.receive()["user"] == ""


# -- JSON ---------------------------------------------------------------------------------------


def test_json_comes_in_decoded_and_goes_out_encoded(open_socket, frame):
    client = open_socket(JsonEcho, path=r"^/(?P<room>\w+)$")
    frame(client, {"a": [1, None]})
    assert client.receive() == {"got": {"a": [1, None]}, "room": "one"}


def test_json_group_send_encodes(open_socket, layer):
    client = open_socket(JsonEcho)
    Group("everyone").add(client.reply_channel)
    JsonEcho.group_send("everyone", {"n": 1}, close=True)
    assert client.get_next_message(client.reply_channel).content == {
        "text": '{"n": 1}',
        "close": True,
    }


def test_encoding_and_decoding_can_be_replaced(open_socket, frame):
    class Shouting(JsonEcho):
        @classmethod
        def decode_json(cls, text):
            return text.upper()

        @classmethod
        def encode_json(cls, content):
            return f"<{content['got']}>"

    client = open_socket(Shouting)
    frame(client, "hello")
    assert client.receive(json=False) == "<HELLO>"


@pytest.mark.parametrize("text", ["", "{", "nul", '{"a": }', "[" * 100_000, "9" * 5_000])
def test_what_is_not_json_closes_the_socket_with_1007(open_socket, frame, caplog, text):
    client = open_socket(JsonEcho)
    with caplog.at_level(logging.WARNING):
        frame(client, text)
    assert client.receive() == {"close": 1007}
    assert "JsonEcho takes JSON" in caplog.text
    assert client.reply_channel in caplog.text


def test_a_binary_frame_for_json_closes_the_socket_with_1003(open_socket, frame, caplog):
    client = open_socket(JsonEcho)
    frame(client, bytes=b"{}")
    assert client.receive() == {"close": 1003}
    assert "JsonEcho takes text frames, got a binary one" in caplog.text
