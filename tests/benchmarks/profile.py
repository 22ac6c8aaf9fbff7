"""python -m tests.benchmarks.profile: where the microseconds of an echo and of a request go.

Each side runs alone in this process, with a Redis of its own, and is looked at again and again as
it uses CPU time, as often as the kernel can (on most machines every 4 ms): what it is at then is
put down to one of the stages below. The server has no host server around it: its clients are plain
coroutines.
"""

import asyncio
import collections
import functools
import multiprocessing
import signal
import time

import click
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

from tests.processes import RedisServer

#: CPU seconds between two looks; kernels round it up to their clock's tick.
EVERY_S = 0.001
CLIENTS = 50

#: Stage -> the files (or files::functions) whose frames belong to it; the innermost frame decides.
WORKER = {
    "writing to Redis and reading from it (system calls)": ["transport/sync_connection.py"],
    "commands and replies as bytes": ["transport/wire.py"],
    "deciding which commands": ["redis/", "layers/operations.py", "layers/names.py"],
    "messages as bytes (MessagePack)": ["layers/codec.py", "queues/envelope.py", "msgpack"],
    "finding the consumer": ["routing/"],
    "decorators: order and session": [
        "channels/session",
        "consuming/ordering.py",
        "consuming/decorators.py",
        "consuming/session",
    ],
    "the consumer, and what it sends": [
        "benchmarks/profile.py",
        "channels/channel.py",
        "layers/base.py",
        "channels/message.py",
        "channels/asgi.py",
    ],
    "the worker's loop": ["worker/"],
    "message to request, response to message": [
        "channels/handler.py",
        "requests/request.py",
        "requests/head.py",
    ],
    "Django's own code": ["/django/", "/asgiref/"],
}
SERVER = {
    "in: a frame or request becomes a message": [
        "frames/intake.py",
        "websocket.py::_pass_frames",
        "server/scopes.py",
        "server/http_body.py",
        "server/http.py",
        "link.py::send",
        "queues/sending",
        "redis/keys.py",
        "plans.py",
        "codec.py::pack_message",
        "codec.py::_pack",
    ],
    "Redis: pipelines out, replies in": [
        "transport/aio",
        "transport/wire.py",
        "presence/replies.py",
        "transport/plans.py",
    ],
    "out: a message becomes a frame or response": [
        "interface_server/",
        "presence/link.py",
        "queues/envelope.py",
        "layers/codec.py",
        "msgpack",
    ],
    "the clients of this profile": ["benchmarks/profile.py", "asyncio/queues.py"],
    "the event loop": ["asyncio/", "uvloop"],
}


class Sampler:
    """Counts what the main thread is at, by stage."""

    def __init__(self, stages):
        self._stages = [(name, places) for name, places in stages.items()]
        self.counts = collections.Counter()

    def __enter__(self):
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
        self._cpu_s = time.thread_time()
        return self

    def __exit__(self, *error):
        self.cpu_s = time.thread_time() - self._cpu_s
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def _look(self, number, frame):
        while frame is not None:
            name = self._stage_of(frame.f_code)
            if name is not None:
                self.counts[name] += 1
                return
            frame = frame.f_back
        self.counts["other"] += 1

    def _stage_of(self, code):
        path = f"{code.co_filename}::{code.co_name}"
        for name, places in self._stages:
            for place in places:
                file, _, function = place.partition("::")
                if file in code.co_filename and (not function or path.endswith(place)):
                    return name
        return None

    def rows(self, messages):
        """Yield (stage, microseconds of a message), the most first."""
        total = sum(self.counts.values())
        for name, count in self.counts.most_common():
            yield name, self.cpu_s / messages * 1e6 * count / total


def _echo(message):
    message.reply_channel.send({"text": message["text"]})


def profile_worker(layer, kind, messages, watch):
    """Run a worker that finds `messages` echoes or requests waiting, in a `watch`; return that."""
    from channels.asgi import ChannelLayerWrapper
    from channels.handler import ViewConsumer
    from channels.routing import route
    from channels.sessions import channel_session, enforce_ordering
    from worker.loop import ConsumerThread
    from worker.process import Worker

    def session_echo(message):
        message.reply_channel.send({"text": str(message.channel_session.get("name"))})

    inner = {
        "echo": _echo,
        "ordered": enforce_ordering(_echo),
        "view": ViewConsumer(),
        "session": channel_session(session_echo),
    }[kind]
    channel, make = ("http.request", _request) if kind == "view" else ("websocket.receive", _frame)
    left = [messages]

    def consumer(message):
        inner(message)
        left[0] -= 1
        if not left[0]:
            worker.stopping.set()

    consumer.consumer_marks = getattr(inner, "consumer_marks", frozenset())
    wrapper = ChannelLayerWrapper(layer, "default", [route(channel, consumer)])
    worker = Worker(wrapper, signal_handlers=False)
    for number in range(messages):
        layer.send(channel, make(number))
    with watch:
        ConsumerThread(worker, 1).run()
    return watch


def _frame(number):
    return {
        "reply_channel": f"websocket.send.profile!{number % CLIENTS}",
        "path": "/",
        "order": number // CLIENTS + 1,
        "text": "hello there",
    }


def _request(number):
    return {
        "reply_channel": f"http.response.profile!{number % CLIENTS}",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "root_path": "",
        "headers": [[b"host", b"localhost"], [b"accept", b"*/*"]],
        "body": b"",
        "client": ["127.0.0.1", 1],
        "server": ["127.0.0.1", 2],
    }


def view(request):
    """A view of a few bytes, as the benchmark has it."""
    return HttpResponse("hello", content_type="text/plain")


urlpatterns = [path("", view)]


def profile_server(layer, kind, messages, watch, clients=CLIENTS):
    """Run an interface server whose clients send `messages` echoes or requests, in a `watch`."""
    from channels.asgi import ChannelLayerWrapper
    from channels.routing import route
    from interface_server.application import InterfaceServer
    from worker.process import Worker

    routing = [route("websocket.receive", _echo), route("http.request", _answer)]
    wrapper = ChannelLayerWrapper(layer, "default", routing)
    wrapper.router.check_default()
    worker = multiprocessing.get_context("fork").Process(target=Worker(wrapper).run)
    worker.start()
    talk = functools.partial({"echo": _talk, "request": _ask}[kind], count=clients)
    try:
        return asyncio.run(_serve(InterfaceServer(layer), talk, messages, watch))
    finally:
        worker.terminate()
        worker.join()


def _answer(message):
    headers = [[b"content-type", b"text/plain"], [b"content-length", b"5"]]
    message.reply_channel.send({"status": 200, "headers": headers, "content": b"hello"})


async def _serve(server, talk, messages, watch):
    await server.start()
    with watch:
        leave = await talk(server, messages)
    await leave()
    await server.stop()
    return watch


async def _talk(server, messages, count):
    """Echoes over open sockets; returns what closes them."""
    left, done = [messages], asyncio.Event()

    def count_one():
        left[0] -= 1
        if not left[0]:
            done.set()

    sockets = [_Socket(count_one) for _ in range(count)]
    tasks = [
        asyncio.ensure_future(server(dict(_SOCKET_SCOPE), one.receive, one)) for one in sockets
    ]
    await done.wait()

    async def leave():
        for one in sockets:
            one.events.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.gather(*tasks)

    return leave


async def _ask(server, messages, count):
    """Requests, one after the other from each client; returns what has nothing left to do."""

    async def ask():
        for _ in range(messages // count):
            await server(dict(_REQUEST_SCOPE), *_request_pair())

    async def leave():
        pass

    await asyncio.gather(*(ask() for _ in range(count)))
    return leave


_SOCKET_SCOPE = {
    "type": "websocket",
    "path": "/",
    "headers": [],
    "scheme": "ws",
    "query_string": b"",
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 2),
    "subprotocols": [],
}
_REQUEST_SCOPE = {
    "type": "http",
    "path": "/",
    "headers": [(b"host", b"localhost"), (b"accept", b"*/*")],
    "scheme": "http",
    "query_string": b"",
    "http_version": "1.1",
    "method": "GET",
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 2),
    "root_path": "",
}


def _request_pair():
    """The receive and send of one request without a body, whose client stays for the answer."""
    is_read = False

    async def receive():
        nonlocal is_read
        if is_read:
            await asyncio.Event().wait()
        is_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event):
        pass

    return receive, send


class _Socket:
    """A client that sends the next frame when it has the answer to the last one."""

    def __init__(self, count):
        self._count = count
        self.events = asyncio.Queue()
        self.events.put_nowait({"type": "websocket.connect"})

    async def receive(self):
        return await self.events.get()

    async def __call__(self, event):
        """`send`: see interface_server/hosts/contract.py."""
        if event["type"] == "websocket.send":
            self._count()
        if event["type"] in ("websocket.accept", "websocket.send"):
            self.events.put_nowait({"type": "websocket.receive", "text": "hello there"})

    def write_now(self, event):
        self._count()
        self.events.put_nowait({"type": "websocket.receive", "text": "hello there"})
        return True


@click.command()
@click.option("--messages", default=200_000, show_default=True, help="How many, each.")
def main(messages):
    """Print where the CPU time of an echo and of a request goes, as Markdown tables."""
    settings.configure(
        SECRET_KEY="only for this",
        USE_TZ=True,
        ALLOWED_HOSTS=["*"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=__name__,
    )
    django.setup()
    from channels.layers.redis import RedisChannelLayer

    with RedisServer({"appendonly": "no"}) as redis:

        def make_layer():
            room = {"*": messages + 1}  # nobody takes the replies of a worker alone
            return RedisChannelLayer(hosts=[redis.tcp_url], channel_capacity=room)

        for kind in ("echo", "request"):
            sampler = profile_server(make_layer(), kind, messages, Sampler(SERVER))
            _print(f"interface server, {kind}", sampler, messages)
        for kind in ("echo", "ordered", "session", "view"):
            layer = make_layer()
            layer.flush()
            sampler = profile_worker(layer, kind, messages, Sampler(WORKER))
            _print(f"worker, {kind}", sampler, messages)


def _print(title, sampler, messages):
    total = sampler.cpu_s / messages * 1e6
    click.echo(f"\n| {title} | µs |\n| --- | ---: |")
    for name, micros in sampler.rows(messages):
        click.echo(f"| {name} | {micros:.1f} |")
    click.echo(f"| **together** | **{total:.1f}** |")


if __name__ == "__main__":
    main()
