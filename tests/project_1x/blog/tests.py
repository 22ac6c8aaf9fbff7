"""Tests, as they were written."""

import json

from django.contrib.auth.models import User

from channels import Channel, Group, route
from channels.asgi import get_channel_layer
from channels.delay.models import DelayedMessage
from channels.exceptions import DenyConnection
from channels.message import Message
from channels.sessions import session_for_reply_channel
from channels.signals import consumer_finished, consumer_started
from channels.staticfiles import StaticFilesConsumer
from channels.test import ChannelTestCase, WSClient, apply_routes
from channels.test.base import Client
from channels.tests import HttpClient, TransactionChannelTestCase
from channels.utils import name_that_thing

from .bindings import ChatMessageBinding
from .consumers import EchoConsumer, ws_connect
from .models import ChatMessage, Post


class ChatTests(ChannelTestCase):
    def test_chat(self):
        client = WSClient(ordered=True)
        client.send_and_consume("websocket.connect", path="/chat/lobby/")
        client.send_and_consume("websocket.receive", text="hello", path="/chat/lobby/")
        client.consume("chat-messages")
        self.assertEqual(client.receive(json=False), "hello")
        self.assertEqual(ChatMessage.objects.get().room, "lobby")
        client.send_and_consume("websocket.disconnect", path="/chat/lobby/")
        Group("chat-lobby").send({"text": "anybody?"})
        self.assertIsNone(client.receive())

    def test_message_by_hand(self):
        Group("chat-news").add("test-channel")
        Channel("chat-messages").send({"room": "news", "message": "x"})
        message = self.get_next_message("chat-messages", require=True)
        self.assertIsInstance(message, Message)
        self.assertEqual(message.content["room"], "news")
        client = Client()
        client.send_and_consume("chat-messages", {"room": "news", "message": "y"})
        self.assertEqual(self.get_next_message("test-channel")["text"], "y")

    @apply_routes([route("websocket.connect", ws_connect, path=r"^/(?P<room>\w+)$")])
    def test_with_other_routes(self):
        client = HttpClient()
        client.send_and_consume("websocket.connect", {"order": 0}, path="/attic")
        session = session_for_reply_channel(client.reply_channel)
        self.assertEqual(session["room"], "attic")


class MemberTests(ChannelTestCase):
    def setUp(self):
        self.user = User.objects.create_user("ann", password="secret")

    def connect(self, client, origin="http://example.com"):
        client.set_header("origin", origin.encode())
        client.send_and_consume("websocket.connect", path="/members/", check_accept=False)

    def test_member(self):
        client = WSClient()
        self.assertTrue(client.login(username="ann", password="secret"))
        self.connect(client)
        self.assertEqual(client.receive(json=False), "ann")
        client.send_and_consume("websocket.receive", text="hi", path="/members/")
        self.assertEqual(client.receive(json=False), "ann: hi")
        client.send_and_consume("websocket.receive", text="out", path="/members/")
        self.assertEqual(client.receive(), {"close": 4003})

    def test_stranger(self):
        with self.assertRaises(DenyConnection):
            self.connect(WSClient())

    def test_foreign_page(self):
        client = WSClient()
        client.force_login(self.user)
        with self.assertRaises(DenyConnection):
            self.connect(client, origin="http://evil.example")


class ClassTests(ChannelTestCase):
    def test_live_blog(self):
        client = WSClient(ordered=True)
        path = "/posts/cats/stream/"
        client.send_and_consume("websocket.connect", path=path)
        Post.objects.create(slug="cats", title="Cats", body="Meow meow")
        self.assertEqual(client.receive()["title"], "Cats")
        client.send_and_consume("websocket.receive", text="hi", path=path)
        client.send_and_consume("websocket.receive", text="bye", path=path)
        self.assertEqual(client.receive(json=False), "cats 1")
        self.assertEqual(client.receive(json=False), "cats 2")
        self.assertEqual(client.receive(), {"close": True})
        client.send_and_consume("websocket.disconnect", path=path)

    def test_counter(self):
        client = WSClient()
        client.send_and_consume("websocket.connect", path="/count/")
        for expected in (10, 20):
            client.send_and_consume("websocket.receive", text="", path="/count/")
            self.assertEqual(client.receive(), expected)


class BindingTests(ChannelTestCase):
    def connect(self):
        client = WSClient()
        client.force_login(User.objects.create_user("ann"))
        client.send_and_consume("websocket.connect", path="/binding/")
        self.assertEqual(client.receive()["payload"], {"status": "I just connected!"})
        return client

    def send(self, client, stream, payload):
        text = {"stream": stream, "payload": payload}
        client.send_and_consume("websocket.receive", text=text, path="/binding/")

    def test_echo(self):
        client = self.connect()
        self.send(client, "echo", {"n": 1})
        self.assertEqual(
            client.receive(),
            {"stream": "echo", "payload": {"original_message": {"n": 1}}},
        )
        Group("left").add("goodbyes")
        client.send_and_consume("websocket.disconnect", path="/binding/")
        self.assertEqual(self.get_next_message("goodbyes")["text"], "echo")

    def test_outbound(self):
        client = self.connect()
        author = User.objects.create_user("bob")
        post = Post.objects.create(slug="s", title="t", body="one two", author=author)
        received = client.receive()
        self.assertEqual(received["stream"], "posts")
        self.assertEqual(received["payload"]["action"], "create")
        self.assertEqual(received["payload"]["model"], "blog.post")
        self.assertEqual(
            received["payload"]["data"],
            {"slug": "s", "title": "t", "author": author.pk, "words": 2, "author__username": "bob"},
        )
        post.delete()
        self.assertEqual(client.receive()["payload"]["action"], "delete")

    def test_inbound(self):
        client = self.connect()
        self.send(client, "messages", {"action": "create", "data": {"room": "a", "message": "b"}})
        message = ChatMessage.objects.get()
        self.assertEqual(client.receive()["payload"]["pk"], message.pk)
        self.send(client, "messages", {"action": "update", "pk": message.pk, "data": {"room": "c"}})
        self.assertEqual(client.receive()["payload"]["data"]["room"], "c")
        self.send(client, "posts", {"action": "create", "data": {"slug": "not allowed"}})
        self.assertFalse(Post.objects.exists())

    def test_names(self):
        self.assertEqual(ChatMessageBinding.model_label, "blog.chatmessage")
        self.assertEqual(name_that_thing(EchoConsumer), "blog.consumers.EchoConsumer")


class HttpTests(TransactionChannelTestCase):
    request = {"method": "GET", "http_version": "1.1"}

    def get(self, path, client=None, **content):
        client = client or HttpClient()
        client.send_and_consume("http.request", dict(self.request, **content), path=path)
        return client.receive(json=False)

    def test_raw(self):
        client = HttpClient()
        client.force_login(User.objects.create_user("ann"))
        response = self.get("/raw/x", client)
        self.assertEqual(response["content"], b"Hello ann! You asked for /raw/x")

    def test_view(self):
        response = self.get("/posts/cats/")
        self.assertEqual((response["status"], response["content"]), (200, b"<h1>cats</h1>"))
        self.assertEqual(self.get("/nothing/")["status"], 404)

    def test_post(self):
        body = (
            b'--xx\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n'
            b'--xx\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--xx--'
        )
        headers = [
            [b"content-type", b"multipart/form-data; boundary=xx"],
            [b"content-length", str(len(body)).encode()],
        ]
        response = self.get("/publish/", method="POST", headers=headers, body=body)
        self.assertEqual(json.loads(response["content"]), {"user": "", "files": ["file"]})
        self.assertEqual(self.get_next_message("chat-messages")["message"], "hello")

    @apply_routes([route("http.request", StaticFilesConsumer())])
    def test_static(self):
        response = self.get("/static/channels/js/websocketbridge.js")
        self.assertEqual(response["status"], 200)


class OtherTests(ChannelTestCase):
    def test_signals(self):
        heard = []

        def started(sender, environ, **kwargs):
            heard.append("started")

        def finished(sender, **kwargs):
            heard.append("finished")

        consumer_started.connect(started)
        consumer_finished.connect(finished)
        client = Client()
        client.send_and_consume("chat-messages", {"room": "r", "message": "m"})
        self.assertEqual(heard, ["started", "finished"])

    def test_delay(self):
        content = {"room": "later", "message": "x"}
        Channel("asgi.delay").send({"channel": "chat-messages", "content": content, "delay": 100})
        request = self.get_next_message("asgi.delay", require=True)
        delayed = DelayedMessage(
            channel_name=request["channel"],
            content=json.dumps(request["content"]),
            delay=request["delay"],
        )
        delayed.full_clean()
        delayed.save()
        self.assertFalse(DelayedMessage.objects.is_due().exists())
        delayed.send(requeue_delay=500)
        self.assertEqual(self.get_next_message("chat-messages").content, content)
        self.assertFalse(DelayedMessage.objects.exists())

    def test_layer(self):
        layer = get_channel_layer()
        self.assertIn("groups", layer.extensions)
        layer.send("direct", {"n": 1})
        self.assertEqual(layer.receive_many(["direct"]), ("direct", {"n": 1}))
        self.assertIn("chat-messages", layer.router.channels)
        self.assertRaises(layer.ChannelFull, self.fill, layer)

    def fill(self, layer):
        while True:
            layer.send("full", {})
