"""What tests of Channels 2 and later are written with."""

import asyncio
from unittest import mock

import pytest

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer
from channels.testing import ApplicationCommunicator, HttpCommunicator, WebsocketCommunicator
from tests.channels.class_consumers.conversations import run


class Echo(AsyncWebsocketConsumer):
    async def connect(self):
        if self.scope["path"] == "/closed/":
            await self.close(4003)
            return
        wanted = self.scope["subprotocols"]
        await self.accept(wanted[0] if wanted else None, headers=[(b"x-mine", b"1")])

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)


class Adding(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        await self.send_json(sum(content))


def test_a_websocket_connects_speaks_and_leaves():
    async def main():
        socket = WebsocketCommunicator(Echo.as_asgi(), "/a%20b/?c=d", subprotocols=["chat"])
        assert (socket.scope["path"], socket.scope["query_string"]) == ("/a b/", b"c=d")
        assert await socket.connect() == (True, "chat")
        assert socket.response_headers == [(b"x-mine", b"1")]
        await socket.send_to(text_data="hello")
        assert await socket.receive_from() == "hello"
        await socket.send_to(bytes_data=b"\1")
        assert await socket.receive_from() == b"\1"
        assert await socket.receive_nothing()
        await socket.disconnect()

    run(main())


def test_a_refused_websocket_tells_its_code():
    async def main():
        socket = WebsocketCommunicator(Echo, "/closed/")
        assert await socket.connect() == (False, 4003)
        await socket.disconnect()

    run(main())


def test_json_goes_both_ways():
    async def main():
        socket = WebsocketCommunicator(Adding.as_asgi(), "/", spec_version="2.4")
        assert socket.scope["spec_version"] == "2.4"
        await socket.connect()
        await socket.send_json_to([1, 2])
        assert await socket.receive_json_from() == 3
        await socket.disconnect()

    run(main())


@pytest.mark.parametrize("frame", [{}, {"text_data": "a", "bytes_data": b"b"}, {"text_data": ""}])
def test_a_frame_is_one_of_text_and_bytes(frame):
    async def main():
        socket = WebsocketCommunicator(Echo.as_asgi(), "/")
        with pytest.raises(AssertionError, match="exactly one"):
            await socket.send_to(**frame)

    run(main())


def test_a_closing_where_a_frame_was_expected_fails_the_test():
    class Closing(AsyncWebsocketConsumer):
        async def connect(self):
            await self.accept()
            await self.close()

    async def main():
        socket = WebsocketCommunicator(Closing.as_asgi(), "/")
        await socket.connect()
        with pytest.raises(AssertionError, match="websocket.close"):
            await socket.receive_from()
        await socket.disconnect()

    run(main())


def test_an_error_of_the_application_reaches_the_test():
    class Broken(AsyncWebsocketConsumer):
        async def connect(self):
            raise RuntimeError("broken")

    async def main():
        with pytest.raises(RuntimeError, match="broken"):
            await WebsocketCommunicator(Broken.as_asgi(), "/").connect()

    run(main())


def test_nothing_in_time_is_a_timeout():
    async def main():
        socket = WebsocketCommunicator(Echo.as_asgi(), "/")
        await socket.connect()
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive_from(timeout=0.05)

    run(main())


def test_a_request_gets_its_response():
    class Hello(AsyncHttpConsumer):
        async def handle(self, body):
            await self.send_headers(headers=[(b"x", b"y")])
            await self.send_body(b"hello ", more_body=True)
            await self.send_body(body)

    async def main():
        request = HttpCommunicator(Hello.as_asgi(), "post", "/?q", body=b"you")
        assert request.scope["method"] == "POST"
        response = await request.get_response()
        assert response == {"status": 200, "headers": [(b"x", b"y")], "body": b"hello you"}

    run(main())


def test_a_test_keeps_its_database_connection():
    closed = []

    async def application(scope, receive, send):
        from channels import db

        await receive()
        await db.database_sync_to_async(int)()
        await send({"type": "done"})

    async def main():
        with mock.patch("channels.db.close_old_connections", lambda: closed.append(1)):
            talk = ApplicationCommunicator(application, {"type": "x"})
            await talk.send_input({"type": "go"})
            await talk.receive_output()

    run(main())
    assert closed == []
