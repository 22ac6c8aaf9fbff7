"""A layer, a link and a host server that do what a test tells them, in one event loop."""

import asyncio
import functools
import selectors

from channels.exceptions import ChannelFull, LayerUnavailable
from interface_server.application import InterfaceServer
from interface_server.options import Options


class FakeLink:
    """A ServerLink that keeps what is sent. `refuse` maps channels to the exception to raise."""

    def __init__(self, server_id, on_reply, on_lost):
        self.server_id = server_id
        self.refusal = None
        self.on_reply = on_reply
        self.on_lost = on_lost
        self.is_available = True
        self.starts = self.stops = 0
        self.sent = []
        self.refuse = {}
        self.opened, self.closed = [], []
        self.held, self.resumed, self.gone = [], [], []
        self.workers_s = {"worker": 1.0}
        self.close_gate = None
        self.send_gate = None
        self._changed = asyncio.Event()

    def reply_channel(self, kind, client):
        return f"{kind}.{self.server_id}!{client}"

    async def start(self):
        self.starts += 1

    async def stop(self):
        self.stops += 1

    async def send(self, channel, message):
        name = channel.partition("?")[0]
        if self.send_gate is not None:
            await self.send_gate.wait()
        if not self.is_available:
            raise LayerUnavailable("Redis is away", was_sent=False)
        if name in self.refuse:
            raise self.refuse[name]
        self.sent.append((channel, message))
        self._note()

    def post(self, channel, message, done):
        sending = asyncio.ensure_future(self.send(channel, message))
        sending.add_done_callback(lambda sent: done(sent.exception()))

    def send_frame(self, message):
        return asyncio.ensure_future(self.send("websocket.receive", message))

    async def open_socket(self, client, message):
        await self.send("websocket.connect", message)
        self.opened.append(client)

    def note_accepted(self, client):
        pass

    async def close_socket(self, client, message, channel="websocket.disconnect"):
        if self.close_gate is not None:
            await self.close_gate.wait()
        self.sent.append((channel, message))
        self.closed.append(client)
        self._note()

    async def worker_ages_s(self):
        return self.workers_s

    def hold(self, client):
        self.held.append(client)
        self._note()

    def resume(self, client):
        self.resumed.append(client)
        self._note()

    def mark_gone(self, client):
        self.gone.append(client)
        self._note()

    # -- what tests use -----------------------------------------------------------------------

    def _note(self):
        self._changed.set()
        self._changed = asyncio.Event()

    def messages(self, channel):
        """Return what was sent on a channel; for one that ends with "?", on all of its kind."""
        return [
            message
            for name, message in self.sent
            if name == channel or (channel.endswith("?") and name.startswith(channel))
        ]

    async def expect(self, channel, count=1):
        """Wait until `count` messages were sent on `channel`; return the last of them."""
        await self.wait(lambda: len(self.messages(channel)) >= count)
        return self.messages(channel)[count - 1]

    async def wait(self, condition, limit_s=10_000.0):
        """Wait until `condition()` holds after something was sent or told."""

        async def watch():
            while not condition():
                await self._changed.wait()

        await asyncio.wait_for(watch(), limit_s)

    def reply(self, message, *replies):
        """Send `replies` to the client behind a message, as a worker would."""
        client = message["reply_channel"].partition("!")[2]
        for reply in replies:
            self.on_reply([client], reply)


class FakeLayer:
    """A layer whose only gift is its link; `is_available` is what its next link begins with."""

    def __init__(self):
        self.is_available = True
        self.refusal = None
        self.links = []

    def get_expiry(self, channel):
        return 60.0

    def open_link(self, server_id, on_reply, on_lost):
        link = FakeLink(server_id, on_reply, on_lost)
        link.is_available, link.refusal = self.is_available, self.refusal
        self.links.append(link)
        return link


class Client:
    """Plays the host server for one ASGI scope: what comes in, what goes out.

    An exception among the events is raised from `receive`.
    """

    def __init__(self, application, scope):
        self.sent = []
        self.events = asyncio.Queue()
        self.send_gate = None
        self.send_error = None
        self._sent_something = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(
            application(scope, self._receive, self._send)
        )
        self.task.add_done_callback(lambda task: self._sent_something.set())

    async def _receive(self):
        event = await self.events.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def _send(self, event):
        if self.send_gate is not None:
            await self.send_gate.wait()
        if self.send_error is not None:
            raise self.send_error
        self.sent.append(event)
        self._sent_something.set()

    def put(self, *events):
        for event in events:
            self.events.put_nowait(event)

    async def expect(self, count=1, limit_s=10_000.0):
        """Wait until `count` events have gone out; return the last of them."""

        async def watch():
            while len(self.sent) < count:
                if self.task.done():
                    raise AssertionError(f"ended after sending {self.sent}")
                self._sent_something.clear()
                await self._sent_something.wait()

        await asyncio.wait_for(watch(), limit_s)
        return self.sent[count - 1]

    async def finish(self, limit_s=10_000.0):
        """Wait for the application to return; raises what it raised."""
        await asyncio.wait_for(asyncio.shield(self.task), limit_s)

    @property
    def status(self):
        return self.sent[0]["status"] if self.sent else None

    @property
    def headers(self):
        return dict(self.sent[0]["headers"])

    @property
    def body(self):
        return b"".join(e["body"] for e in self.sent if e["type"] == "http.response.body")


class Site:
    """An InterfaceServer over a FakeLink, and clients for it."""

    def __init__(self, **options):
        self.layer = FakeLayer()
        self.server = InterfaceServer(self.layer, Options(**options))

    @property
    def link(self):
        return self.layer.links[-1]

    async def start(self):
        await self.server.start()
        return self

    def request(self, *body, method="GET", path="/", headers=(), **scope):
        """Start a request; `body` is its pieces, the last of them the end."""
        headers = list(headers)
        if body and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"transfer-encoding", b"chunked"))
        client = Client(self.server, http_scope(method, path, headers, **scope))
        for number, piece in enumerate(body, 1):
            client.put({"type": "http.request", "body": piece, "more_body": number < len(body)})
        if not body:
            client.put({"type": "http.request", "body": b"", "more_body": False})
        return client

    def socket(self, path="/", headers=(), **scope):
        """Start a handshake."""
        client = Client(self.server, socket_scope(path, headers, **scope))
        client.put({"type": "websocket.connect"})
        return client

    async def open_socket(self, **scope):
        """Return (client, its connect message) of a socket that a worker has accepted."""
        count = len(self.link.messages("websocket.connect"))
        client = self.socket(**scope)
        message = await self.link.expect("websocket.connect", count + 1)
        self.link.reply(message, {"accept": True})
        assert (await client.expect())["type"] == "websocket.accept"
        return client, message


def http_scope(method="GET", path="/", headers=(), **more):
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"example.org"), *headers],
        "client": ("203.0.113.7", 40001),
        "server": ("192.0.2.1", 80),
        **more,
    }


def socket_scope(path="/", headers=(), **more):
    scope = http_scope("GET", path, headers)
    del scope["method"]
    scope.update(type="websocket", scheme="ws", subprotocols=[])
    scope["extensions"] = {"websocket.http.response": {}}
    scope.update(more)
    return scope


def full(channel):
    return ChannelFull(channel, 100, 100)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer whenever nothing else is to be done.

    For code that waits for timers, futures and queues, but not for the network.
    """

    def __init__(self):
        self._now = 0.0
        super().__init__(_ImpatientSelector(self))

    def time(self):
        return self._now

    def skip(self, seconds):
        self._now += seconds


class _ImpatientSelector(selectors.DefaultSelector):
    def __init__(self, loop):
        super().__init__()
        self._loop = loop

    def select(self, timeout=None):
        events = super().select(0)
        if not events and timeout:
            self._loop.skip(timeout)
        return events


def in_loop(test):
    """Let an `async def` test run in an event loop of its own, on virtual time."""

    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        loop = VirtualTimeLoop()
        try:
            return loop.run_until_complete(asyncio.wait_for(test(*args, **kwargs), 100_000))
        finally:
            _end(loop)

    return wrapper


def _end(loop):
    loop.run_until_complete(_end_tasks())
    loop.close()


async def _end_tasks():
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:  # some start others as they end
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
