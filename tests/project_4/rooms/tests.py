import asyncio
import json

from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.test import Client, TransactionTestCase
from mysite.asgi import application

from channels.layers import get_channel_layer
from channels.testing import (
    ApplicationCommunicator,
    ChannelsLiveServerTestCase,
    HttpCommunicator,
    WebsocketCommunicator,
)
from rooms.models import Line

ORIGIN = [(b"origin", b"http://localhost")]


def open_socket(path, **options):
    options.setdefault("headers", ORIGIN)
    return WebsocketCommunicator(application, path, **options)


class RoomTests(TransactionTestCase):
    async def test_a_line_is_stored_and_heard_by_all(self):
        one, two = open_socket("/ws/rooms/den/"), open_socket("/ws/rooms/den/")
        for socket in (one, two):
            connected, subprotocol = await socket.connect()
            self.assertTrue(connected)
            self.assertIsNone(subprotocol)
        await one.send_json_to({"text": "hello"})
        self.assertEqual(await one.receive_json_from(), {"text": "hello", "mine": True, "sent": 1})
        self.assertEqual(await two.receive_json_from(), {"text": "hello", "mine": False, "sent": 0})
        self.assertEqual(await Line.objects.acount(), 1)
        for socket in (one, two):
            await socket.disconnect()

    async def test_the_layer_reaches_the_room(self):
        socket = open_socket("/ws/rooms/den/")
        await socket.connect()
        await get_channel_layer().group_send("den", {"type": "room.closed"})
        closing = await socket.receive_output()
        self.assertEqual(closing, {"type": "websocket.close", "code": 4000, "reason": "closed"})
        await socket.disconnect()

    async def test_those_who_leave_hear_no_more(self):
        one, two = open_socket("/ws/rooms/den/"), open_socket("/ws/rooms/den/")
        await one.connect()
        await two.connect()
        await two.disconnect()
        await one.send_json_to({"text": "alone"})
        self.assertEqual((await one.receive_json_from())["text"], "alone")
        self.assertTrue(await one.receive_nothing())
        await one.disconnect()

    async def test_pages_of_other_sites_are_refused(self):
        socket = open_socket("/ws/rooms/den/", headers=[(b"origin", b"http://evil.example")])
        self.assertEqual(await socket.connect(), (False, 1000))
        await socket.disconnect()

    async def test_a_path_without_a_route_is_an_error(self):
        with self.assertRaises(ValueError):
            await open_socket("/nowhere/").connect()


class SyncRoomTests(TransactionTestCase):
    async def test_a_sync_consumer_uses_the_database_and_the_layer(self):
        socket = open_socket("/ws/sync/den/")
        await socket.connect()
        await socket.send_json_to({"text": "a"})
        self.assertEqual(await socket.receive_json_from(), {"lines": 1})
        await socket.disconnect()

    async def test_connect_may_deny(self):
        socket = open_socket("/ws/sync/secret/")
        self.assertEqual(await socket.connect(), (False, 1000))

    async def test_binary_frames_are_an_error_for_json(self):
        socket = open_socket("/ws/sync/den/")
        await socket.connect()
        await socket.send_to(bytes_data=b"\0")
        with self.assertRaises(ValueError):
            await socket.receive_from()


class MembersTests(TransactionTestCase):
    def test_the_session_of_a_browser_tells_who_it_is(self):
        get_user_model().objects.create_user("ann")
        client = Client()
        client.force_login(get_user_model().objects.get())
        cookie = f"sessionid={client.cookies['sessionid'].value}".encode()

        async def main():
            socket = open_socket("/ws/members/", headers=[*ORIGIN, (b"cookie", cookie)])
            await socket.connect()
            self.assertEqual(await socket.receive_from(), "members only: ann")
            await socket.disconnect()

        async_to_sync(main)()

    async def test_who_logs_in_on_the_socket_is_known_and_forgotten(self):
        socket = open_socket("/ws/members/", subprotocols=["members"])
        self.assertEqual(await socket.connect(), (True, "members"))
        self.assertEqual(await socket.receive_from(), "members only: AnonymousUser")
        await socket.send_to(text_data="ben")
        self.assertEqual(await socket.receive_from(), "ben")
        await socket.send_to(text_data="logout")
        self.assertEqual(await socket.receive_from(), "AnonymousUser")
        await socket.disconnect()

    async def test_a_frame_may_be_the_last(self):
        socket = open_socket("/ws/members/")
        await socket.connect()
        await socket.receive_from()
        await socket.send_to(bytes_data=b"abc")
        self.assertEqual(await socket.receive_from(), b"cba")
        self.assertEqual((await socket.receive_output())["code"], 4001)
        await socket.disconnect()


class HttpTests(TransactionTestCase):
    async def test_a_stream_comes_in_parts(self):
        response = await HttpCommunicator(application, "GET", "/events/2/").get_response()
        self.assertEqual(response["body"], b"data: 0\n\ndata: 1\n\n")
        self.assertEqual(response["headers"], [(b"Content-Type", b"text/event-stream")])

    async def test_views_are_behind_it(self):
        headers = [(b"host", b"localhost")]
        request = HttpCommunicator(application, "GET", "/rooms/den/", headers=headers)
        response = await request.get_response()
        self.assertEqual(json.loads(response["body"]), {"lines": []})


class TaskTests(TransactionTestCase):
    async def test_a_message_on_a_named_channel_runs_its_consumer(self):
        await Line.objects.acreate(room="old", text="x")
        layer = get_channel_layer()
        answer = await layer.new_channel()
        task = ApplicationCommunicator(application, {"type": "channel", "channel": "clean-up"})
        await task.send_input({"type": "clean", "room": "old", "answer": answer})
        self.assertEqual(await asyncio.wait_for(layer.receive(answer), 5), {"type": "cleaned"})
        await task.wait()
        self.assertEqual(await Line.objects.acount(), 0)


class LiveTests(ChannelsLiveServerTestCase):
    def test_a_browser_finds_pages_and_sockets(self):
        import urllib.request

        with urllib.request.urlopen(f"{self.live_server_url}/login/ann/") as response:
            self.assertEqual(response.read(), b"hello ann")
            cookie = response.headers["Set-Cookie"].partition(";")[0]

        from websockets.sync.client import connect

        headers = {"Origin": self.live_server_url, "Cookie": cookie}
        url = f"{self.live_server_ws_url}/ws/members/"
        with connect(url, additional_headers=headers, proxy=None) as socket:
            self.assertEqual(socket.recv(5), "members only: ann")
        with connect(
            f"{self.live_server_ws_url}/ws/rooms/live/", additional_headers=headers, proxy=None
        ) as socket:
            socket.send(json.dumps({"text": "live"}))
            self.assertEqual(json.loads(socket.recv(5))["text"], "live")
        self.assertEqual(Line.objects.get().author, "ann")
