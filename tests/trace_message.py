"""How many files and functions of the product run for one warm message.

`python -m tests.trace_message` prints a table; with `--files`, the files as well.

An interface server (without its host), a Redis of its own and a worker run in this process. What
runs by the clock anyway, as heartbeats, is kept out by taking the shortest of several messages.
"""

import asyncio
import pathlib
import sys
import threading

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

from tests.processes import RedisServer

ROOT = pathlib.Path(__file__).parent.parent
ROOMS = tuple(f"{ROOT / room}/" for room in ("channels", "routing", "worker", "interface_server"))
#: So many messages warm it up, and so many are counted.
WARM, COUNTED = 20, 9


class Trace:
    """The functions of which a line has run, in any thread, while it `is_on`.

    A coroutine that waits for another one is entered again with it, and runs nothing: whoever
    follows the message does not meet it.
    """

    def __init__(self):
        self.is_on = False
        self.called = set()

    def enter(self, frame, event, argument):
        if self.is_on and frame.f_code.co_filename.startswith(ROOMS):
            return self.note
        return None

    def note(self, frame, event, argument):
        if event == "line":
            self.called.add((frame.f_code.co_filename, frame.f_code.co_qualname))
        return self.note

    def install(self):
        threading.settrace(self.enter)
        sys.settrace(self.enter)


async def one_request(application):
    """Send a request through the server; return once its response has ended."""
    ended = asyncio.Event()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive():
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(event):
        if event["type"] == "http.response.body" and not event.get("more_body"):
            ended.set()

    await application(scope, receive, send)


class Client:
    """A WebSocket."""

    def __init__(self, application, at):
        self.incoming, self.outgoing = asyncio.Queue(), asyncio.Queue()
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": at,
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
        }
        self.task = asyncio.create_task(application(scope, self.incoming.get, self.outgoing.put))
        self.incoming.put_nowait({"type": "websocket.connect"})

    async def answer(self):
        return await asyncio.wait_for(self.outgoing.get(), 10)

    async def say(self, text):
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})
        return await self.answer()


def make_routing():
    from channels import Group
    from channels.routing import route
    from channels.sessions import enforce_ordering

    def connect(message):
        message.reply_channel.send({"accept": True})
        Group("all").add(message.reply_channel)

    def echo(message):
        message.reply_channel.send({"text": message["text"]})

    def tell(message):
        Group("all").send({"text": message["text"]})

    return [
        route("websocket.connect", enforce_ordering(connect), path="^/ordered"),
        route("websocket.receive", enforce_ordering(echo), path="^/ordered"),
        route("websocket.connect", connect),
        route("websocket.receive", echo, path="^/echo"),
        route("websocket.receive", tell, path="^/group"),
    ]


def shortest(traces):
    return min(traces, key=lambda called: (len({file for file, _ in called}), len(called)))


async def trace_all(application, trace):
    """Yield (what, what it called) for each kind of message."""

    async def watch(send):
        for _ in range(WARM):
            await send()
        traces = []
        for _ in range(COUNTED):
            await asyncio.sleep(0.05)
            trace.called, trace.is_on = set(), True
            await send()
            await asyncio.sleep(0.02)
            trace.is_on = False
            traces.append(trace.called)
        return shortest(traces)

    yield "a view over HTTP", await watch(lambda: one_request(application))
    for what, at in (
        ("an echo", "/echo"),
        ("an ordered echo", "/ordered"),
        ("a group send", "/group"),
    ):
        client = Client(application, at)
        await client.answer()
        yield what, await watch(lambda client=client: client.say("hello"))
        client.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await client.task


async def main(show_files):
    from channels.asgi import ChannelLayerWrapper, channel_layers
    from channels.layers.redis import RedisChannelLayer
    from channels.worker import Worker
    from interface_server.application import InterfaceServer

    with RedisServer() as redis:
        trace = Trace()
        trace.install()
        layer = RedisChannelLayer(hosts=[redis.url])
        wrapper = ChannelLayerWrapper(layer, "default", make_routing())
        channel_layers.set("default", wrapper)
        wrapper.router.check_default()
        worker = Worker(wrapper, signal_handlers=False)
        thread = threading.Thread(target=worker.run)
        thread.start()
        application = InterfaceServer(RedisChannelLayer(hosts=[redis.url]))
        print(f"{'one message':20} files functions")
        async for what, called in trace_all(application, trace):
            files = sorted({file for file, _ in called})
            print(f"{what:20} {len(files):5} {len(called):9}")
            for file in files if show_files else ():
                print(f"    {pathlib.Path(file).relative_to(ROOT)}")
        sys.settrace(None)
        threading.settrace(None)
        await application.stop()
        worker.stop()
        await asyncio.to_thread(thread.join, 10)
        layer.close()


def view(request):
    return HttpResponse("hello")


urlpatterns = [path("", view)]


def set_up():
    settings.configure(
        ALLOWED_HOSTS=["*"],
        CHANNEL_LAYERS={},
        INSTALLED_APPS=["channels"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF="tests.trace_message",
        SECRET_KEY="for one trace",
    )
    django.setup()


if __name__ == "__main__":
    set_up()
    asyncio.run(main("--files" in sys.argv))
