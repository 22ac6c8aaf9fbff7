"""The one connection of a process to RabbitMQ, in a thread with an event loop of its own.

So heartbeats go on while a consumer runs for minutes, and threads and event loops use one code.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

from channels.exceptions import LayerRefused, LayerUnavailable
from channels.layers.time_limit import within
from channels.metrics import hooks

Result = TypeVar("Result")

#: RabbitMQ and we ask one another for a sign of life this often, in seconds.
HEARTBEAT_S = 10
#: Seconds to wait for a connection.
CONNECT_TIMEOUT_S = 5.0
#: After a failure, nobody tries to connect for this long, in seconds.
BACKOFF_S = 0.25


@functools.cache
def import_aiormq() -> Any:
    """Return the aiormq library. Raises ValueError if it is not installed."""
    try:
        import aiormq
    except ImportError as error:
        raise ValueError(
            "the RabbitMQ layer needs the 'aiormq' package: pip install channels-classic[rabbitmq]"
        ) from error
    # What breaks is told by us, in a sentence, and not with a traceback from its reader.
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)
    return aiormq


class Session:
    """One connection, its channels, and what has been declared over it."""

    #: Channels: with confirms, for messages and for drawers; without, for what may get lost; for
    #: messages that are taken for good, and for those that are acknowledged later.
    CHANNELS = ("publishing", "drawing", "telling", "getting", "owning")

    publishing: Any
    drawing: Any
    telling: Any
    getting: Any
    owning: Any

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        #: One declares at a time, and those who wait for it go on in their order.
        self.declaring = asyncio.Lock()
        #: How many do, or wait for it: a lock that was let go is free until who is next has woken.
        self.declarers = 0
        #: The channel that asks how much is in a queue, and who uses it just now.
        self._counting: Any = None
        self._counting_one = asyncio.Lock()
        #: Channels whose queues are known to be there.
        self.declared: set[str] = set()
        #: The queue of this process alone, and what it is bound to.
        self.notice_queue = ""
        self.heard: set[str] = set()

    async def start(self) -> None:
        """Open the channels."""
        for name in self.CHANNELS:
            confirms = name in ("publishing", "drawing")
            channel = await self.connection.channel(publisher_confirms=confirms)
            setattr(self, name, channel)

    @property
    def is_open(self) -> bool:
        if self.connection.is_closed:
            return False
        return not any(getattr(self, name).is_closed for name in self.CHANNELS)

    async def renew(self, name: str, closed: Any) -> None:
        """Open one of the CHANNELS anew that RabbitMQ has closed, unless somebody has done it."""
        if getattr(self, name) is closed:
            setattr(self, name, await self.open_channel())

    @property
    def is_blocked(self) -> bool:
        """Whether RabbitMQ takes nothing, as it is short of memory or disk: aiormq then waits with
        whatever is written, for as long as that lasts."""
        ready = self.connection.ready()
        try:
            ready.send(None)
        except StopIteration:
            return False
        ready.close()
        return True

    async def open_channel(self) -> Any:
        """A channel without publisher confirms."""
        return await self.connection.channel(publisher_confirms=False)

    async def count(self, queue: str) -> tuple[int, int] | None:
        """How many messages wait in a queue, and how many consumers it has; None if it is not
        there. A channel of its own asks: RabbitMQ closes it if there is no such queue."""
        aiormq = import_aiormq()
        async with self._counting_one:
            if self._counting is None or self._counting.is_closed:
                self._counting = await self.open_channel()
            try:
                found = await self._counting.queue_declare(queue, passive=True)
                return int(found.message_count), int(found.consumer_count)
            except aiormq.exceptions.ChannelNotFoundEntity:
                return None
            except aiormq.exceptions.ChannelLockedResource:
                return 0, 1  # it is the own one of a process that lives


class Transport:
    """Runs coroutines where the connection lives. `on_open(session)` is awaited for a new one."""

    def __init__(self, url: str, on_open: Callable[[Session], Awaitable[None]]) -> None:
        self._url, self._on_open = url, on_open
        self.name = _without_password(url)
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._session: Session | None = None
        self._connecting: asyncio.Lock | None = None
        self._retry_at = 0.0
        self._reason = ""
        self._is_refused = False

    # -- from any thread ------------------------------------------------------------------------

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine there, and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop()).result()

    async def arun(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """The same from an event loop. It runs to its end, though the caller be cancelled."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop())
        return await asyncio.shield(asyncio.wrap_future(future))

    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the connection; it is started if need be."""
        with self._guard:
            if self._loop is None or self._pid != os.getpid():
                self._pid, self._session, self._connecting = os.getpid(), None, None
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="rabbitmq", daemon=True
                )
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Close the connection, and end the thread."""
        with self._guard:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None or self._pid != os.getpid():
            return
        asyncio.run_coroutine_threadsafe(self._close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

    # -- in its loop ----------------------------------------------------------------------------

    async def session(self) -> Session:
        """The open Session. Raises LayerUnavailable."""
        if self._session is not None and self._session.is_open:
            return self._session
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            if self._session is None or not self._session.is_open:
                self._session = await self._connect()
            return self._session

    async def _connect(self) -> Session:
        if time.monotonic() < self._retry_at:
            raise self._unavailable()
        await self._drop()
        aiormq = import_aiormq()
        connection = None
        try:
            connection = await within(CONNECT_TIMEOUT_S, aiormq.connect(_with_heartbeat(self._url)))
            session = Session(connection)
            await session.start()
            await self._on_open(session)
        except (aiormq.exceptions.AMQPError, OSError, asyncio.TimeoutError) as error:
            if connection is not None:
                with contextlib.suppress(Exception):
                    await connection.close()
            self._reason, self._is_refused = explain(error), is_refusal(error)
            self._retry_at = time.monotonic() + BACKOFF_S
            raise self._unavailable() from error
        return session

    def _unavailable(self) -> LayerUnavailable:
        text = f"RabbitMQ at {self.name} can't be used ({self._reason})"
        return (LayerRefused if self._is_refused else LayerUnavailable)(text, was_sent=False)

    def blocked(self) -> LayerUnavailable:
        """The LayerUnavailable for an operation that was not begun, as RabbitMQ takes nothing."""
        text = (
            f"RabbitMQ at {self.name} takes nothing, as its memory or disk alarm is on: raise "
            "vm_memory_high_watermark or disk_free_limit, or find out what fills it"
        )
        return LayerUnavailable(text, was_sent=False)

    def lost(self, error: BaseException) -> LayerUnavailable:
        """The LayerUnavailable for an operation in which the connection broke."""
        hooks.meter.connection_lost()
        return LayerUnavailable(f"lost the connection to RabbitMQ at {self.name} ({error})")

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(Exception):
                await session.connection.close()

    async def _close(self) -> None:
        await self._drop()
        me = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not me]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def check_url(url: str) -> None:
    """Raise ValueError for a URL that can't be read; what stands there is not shown."""
    if urlsplit(url).scheme not in ("amqp", "amqps"):
        raise ValueError("url must be an amqp:// or amqps:// URL")
    place = url.partition("://")[2].partition("?")[0]
    try:
        is_clear = "#" not in url and place.count("@") <= 1
        _ = urlsplit(url).port
    except ValueError:
        is_clear = False
    if not is_clear:
        raise ValueError(
            "url can't be read: characters of a user name or password that mean something in a URL "
            "are quoted: %40 for @, %23 for #, %3A for :, %2F for /, %3F for ?"
        )


def is_refusal(error: BaseException) -> bool:
    """Whether RabbitMQ refuses this process for its user or password: no waiting mends that."""
    return "ACCESS_REFUSED" in str(error) or "Authentication" in type(error).__name__


def explain(error: BaseException) -> str:
    """What an error of RabbitMQ means, and what to do about it."""
    text = str(error) or type(error).__name__
    if is_refusal(error):
        return f"it refuses the user or the password in `url`: {text}"
    if "vhost" in text or "Connection.OpenOk" in text:  # aiormq does not hand on the reason
        return (
            "it refuses the virtual host, which is not there or not for this user: the path of "
            "`url` names the virtual host; make it with rabbitmqctl add_vhost"
        )
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    return text


def _with_heartbeat(url: str) -> str:
    mark = "&" if "?" in url else "?"
    return url if "heartbeat=" in url else f"{url}{mark}heartbeat={HEARTBEAT_S}"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
