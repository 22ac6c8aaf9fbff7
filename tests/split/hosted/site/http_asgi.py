"""A project whose HTTP, too, is an ASGI application's: class consumers, streams, Django below."""

import asyncio

from django.urls import path, re_path

from channels.generic.http import AsyncHttpConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from tests.split.hosted.site.asgi import django_application
from tests.split.site.notes import note


class Echo(AsyncHttpConsumer):
    async def handle(self, body):
        await self.send_response(200, b"echo: " + body, headers=[(b"x-kind", b"class")])


class Events(AsyncHttpConsumer):
    """Server-sent events, until the client leaves."""

    async def handle(self, body):
        await self.send_headers(headers=[(b"content-type", b"text/event-stream")])
        for number in range(3):
            await self.send_body(f"data: {number}\n\n".encode(), more_body=True)
            await asyncio.sleep(0.05)
        await self.send_body(b"")


class LongPoll(AsyncHttpConsumer):
    """Is answered by the first message to its group."""

    async def handle(self, body):
        await get_channel_layer().group_add("polls", self.channel_name)
        note("polls")

    async def http_request(self, message):
        await self.handle(b"")

    async def poll_answer(self, event):
        await self.send_response(200, event["text"].encode())

    async def disconnect(self):
        note("poller left")


class Failing(AsyncHttpConsumer):
    async def handle(self, body):
        raise RuntimeError("a mistake in a handler")


application = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                path("echo/", Echo.as_asgi()),
                path("events/", Events.as_asgi()),
                path("poll/", LongPoll.as_asgi()),
                path("failing/", Failing.as_asgi()),
                re_path("", django_application),
            ]
        )
    }
)
