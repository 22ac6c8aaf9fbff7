"""A site to break: a Redis, the processes of the faults' project, its ledger and its clients."""

import asyncio
import functools
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from channels.asgi import load_backend
from tests.faults.clients import http, web_socket
from tests.faults.clients.proxy import Proxy
from tests.faults.ledger import Ledger
from tests.processes import RedisServer, Split

SETTINGS = "tests.faults.project.settings"
REDIS = "channels.layers.redis.RedisChannelLayer"
ASGI = "tests.faults.project.asgi:channel_layer"


class Site:
    """What one scenario works with. Everything ends when its `async with` does.

    Args:
        host: the host server of its interface servers, "daphne" or "uvicorn".
        redis: what it has in the place of a RedisServer of its own.

    Attributes:
        redis: its RedisServer. split: the Split with its processes. ledger: what they noted down.
        sockets: every client's WebSocket that was opened. layer: a channel layer in this process.
    """

    def __init__(self, host: str = "daphne", redis: Any = None) -> None:
        self.host = host
        self.directory = Path(tempfile.mkdtemp(prefix="faults-"))
        self.redis = redis or RedisServer()
        self.ledger = Ledger(self.directory / "ledger")
        self.sockets, self.proxies = [], []
        self._closers = []
        self.configure()

    def configure(self, *, layer=None, backend=REDIS, **settings):
        """Set the CONFIG of the channel layer and its class, and Django settings, for what is
        started from now on (JSON values only)."""
        hosts = {"hosts": [self.redis.url]} if backend == REDIS else {}
        config = {**hosts, **(layer or {})}
        self.split = Split(
            settings=SETTINGS,
            asgi=ASGI,
            redis_url=self.redis.url,
            env={
                "FAULTS_DIRECTORY": str(self.directory),
                "FAULTS_BACKEND": backend,
                "FAULTS_CONFIG": json.dumps(config),
                "FAULTS_SETTINGS": json.dumps(settings),
            },
        )
        self.layer = load_backend(backend, "default")(**config)
        end_split = functools.partial(self.split.__exit__, None, None, None)
        self._closers += [self.layer.close, end_split]

    async def __aenter__(self) -> Any:
        await self.call(self.redis.start)
        return self

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        for socket in self.sockets:
            socket.vanish()
        for proxy in self.proxies:
            await proxy.stop()
        if error is not None:
            print(self.split.logs)
        if self.redis.is_paused:
            self.redis.resume()
        for close in reversed(self._closers):
            await self.call(close)
        await self.call(self.redis.__exit__, None, None, None)
        shutil.rmtree(self.directory, ignore_errors=True)

    def enter(self, manager):
        """Have this context manager end with the site; return it."""
        self._closers.append(functools.partial(manager.__exit__, None, None, None))
        return manager

    @staticmethod
    async def call(function, *args, **kwargs):
        """Call what blocks, in a thread, while the clients go on."""
        return await asyncio.to_thread(function, *args, **kwargs)

    # -- processes ----------------------------------------------------------------------------

    async def start_server(self, *args, **kwargs):
        """Start an interface server; the arguments are those of Split.start_server."""
        return await self.call(self.split.start_server, *args, server=self.host, **kwargs)

    async def start_worker(self, *args):
        """Start a worker and wait until it listens."""
        return await self.call(self.split.start_worker, *args)

    async def start_workers(self, count, *args):
        """Start workers and wait until all of them listen."""
        workers = [self.split.start_worker(*args, wait=False) for _ in range(count)]
        for worker in workers:
            await self.call(worker.wait_for_log, self.split.WORKER_READY)
        return workers

    async def start(self, *server_args, workers=1, threads=1):
        """Start one interface server and some workers."""
        server = asyncio.ensure_future(self.start_server(*server_args))
        await self.start_workers(workers, f"--threads={threads}")
        await server

    @property
    def address(self):
        """(host, port) of the interface server that was started last."""
        return "127.0.0.1", self.split.servers[-1].port

    # -- clients ------------------------------------------------------------------------------

    async def open_socket(self, path, *, address=None, **kwargs):
        """Open a WebSocket; the arguments are those of `web_socket.connect`."""
        socket = await web_socket.connect(address or self.address, path, **kwargs)
        self.sockets.append(socket)
        return socket

    async def open_sockets(self, count, path, *, at_once=50, **kwargs):
        """Open many, `at_once` of them at a time."""
        gate = asyncio.Semaphore(at_once)

        async def open_one():
            async with gate:
                return await self.open_socket(path, **kwargs)

        return await asyncio.gather(*(open_one() for _ in range(count)))

    async def start_proxy(self, target=None, **kwargs):
        """Start a Proxy, before the interface server that was started last; return it."""
        proxy = Proxy(target or self.address, **kwargs)
        await proxy.start()
        self.proxies.append(proxy)
        return proxy

    async def fetch(self, path, *, address=None, **kwargs):
        """Make a request; the arguments are those of `http.fetch`."""
        return await http.fetch(address or self.address, path, **kwargs)


async def count_keys(client, still_s=1.0):
    """The number of keys in a Redis, once it has not changed for `still_s` seconds: what is left of
    sockets and requests that have just ended is gone then."""
    count, since = client.dbsize(), time.monotonic()
    while time.monotonic() - since < still_s:
        await asyncio.sleep(0.05)
        if client.dbsize() != count:
            count, since = client.dbsize(), time.monotonic()
    return count


async def wait_until(condition: Callable[[], object], *, limit_s: float = 30.0) -> float | None:
    """Wait until `condition()` is true; return the seconds it took, or None if the time is up."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > limit_s:
            return None
        await asyncio.sleep(0.02)
    return time.monotonic() - begun
