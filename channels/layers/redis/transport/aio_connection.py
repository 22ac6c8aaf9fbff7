"""One connection of an event loop to Redis.

redis-py connects and logs in; then its stream gives way to a protocol of our own, which reads the
replies to a whole pipeline without a task switch for each.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import redis

from channels.layers.redis.transport import wire
from channels.layers.redis.transport.hosts import CONNECT_TIMEOUT_S, Host
from channels.layers.redis.transport.plans import put_in_place
from channels.layers.redis.transport.wire import Command
from channels.layers.time_limit import within

#: Who waits for an answer for longer than others looks this often whether it may still come.
LOOK_EVERY_S = 1.0
#: What redis-py calls once its socket is open: the first since 6.0, the second before. We stand in
#: for it, since its option for that, redis_connect_func, gives a DeprecationWarning on Python 3.14.
LOG_INS = ("on_connect_check_health", "on_connect")


class Replies(asyncio.Protocol):
    """Gathers the replies to one pipeline at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._reader = wire.make_reader(self._note_error)
        self._future: asyncio.Future[list[Any]] | None = None
        self._replies: list[Any] = []
        self._count = 0
        #: Whether there is an error among the latest replies.
        self.has_errors = False
        self.is_lost = False

    def _note_error(self) -> None:
        self.has_errors = True

    def expect(self, count: int) -> "asyncio.Future[list[Any]]":
        """Return a future for the next `count` replies."""
        future: asyncio.Future[list[Any]] = self.loop.create_future()
        self._future, self._replies, self._count = future, [], count
        self.has_errors = False
        if self.is_lost:
            self.connection_lost(None)
        return future

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        gets, replies, count = self._reader.gets, self._replies, self._count
        try:
            while len(replies) < count:
                reply = gets()
                if reply is wire.NOT_YET:
                    return
                replies.append(reply)
        except redis.RedisError as error:  # what came is no reply
            self.connection_lost(error)
            return
        if self._future is not None and not self._future.done():
            self._future.set_result(replies)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._future is not None and not self._future.done():
            error = exc or redis.ConnectionError("Redis closed the connection")
            self._future.set_exception(error)


class AsyncConnection:
    """A connection to one host, with the scripts loaded. Any error closes it for good.

    `reads`: whether it takes messages out of a queue: it is not given up soon, see READ_PATIENCE_S.
    """

    _replies: Replies

    def __init__(self, host: Host, *, reads: bool = False) -> None:
        self._host = host
        self._timeout_s, self._is_of_cluster = host.command_timeout_s, host.is_of_cluster
        self._complaints = host.health.complaints
        self._patience_s = host.read_patience_s if reads else self._timeout_s
        self._waits_since = self._gives_up_at = 0.0
        self._connection: Any = None
        self._transport: Any = None
        #: When to look whether the answer that is waited for may still come; infinite: for none.
        self._look_at = math.inf
        #: The timer that looks, and when: moving `_look_at` forward costs no new one.
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self.client_id: int | None = None
        self._opened_at = 0.0

    async def open(self) -> "AsyncConnection":
        """Connect. Raises LayerUnavailable."""
        health = self._host.health
        health.check()
        self._connection = self._host.make_async_connection()
        try:
            await self._connect()
            self._take_over()
            self.client_id = await within(self._host.command_timeout_s, self._setup())
        except (redis.RedisError, OSError, asyncio.TimeoutError) as error:
            await self.close()
            raise health.failed(error) from error
        except asyncio.CancelledError:
            await self.close()
            raise
        health.works()
        self._opened_at = time.monotonic()
        return self

    async def _connect(self) -> None:
        """Connect and log in, for at most CONNECT_TIMEOUT_S in all."""
        name = next(name for name in LOG_INS if hasattr(self._connection, name))
        log_in = getattr(self._connection, name)
        setattr(self._connection, name, partial(self._log_in, log_in))
        await within(CONNECT_TIMEOUT_S, self._connection.connect())

    async def _log_in(self, log_in: Callable[..., Awaitable[None]], **options: Any) -> None:
        """Note the transport first: if this fails, is called off or takes too long, redis-py would
        leave it open, over TLS for a farewell of half a minute."""
        self._transport = self._connection._writer.transport  # redis-py has no public name for it
        await log_in(**options)

    def _take_over(self) -> None:
        """From here on, what comes over the connection is read by us."""
        loop = asyncio.get_running_loop()
        self._replies = Replies(loop)
        self._transport.set_protocol(self._replies)

    async def _setup(self) -> Any:
        replies = await self._run(wire.setup_commands())
        return wire.read_setup(replies, is_of_cluster=self._host.is_of_cluster)

    def _run(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        future = self._replies.expect(len(commands))
        if self._is_of_cluster:
            commands = self._host.place(commands)
        for piece in wire.pack(commands):
            self._transport.write(piece)
        return future

    async def exchange(self, commands: Sequence[Command], block_s: float = 0.0) -> list[Any]:
        """Run a pipeline, whose commands may block for `block_s`; return its replies, where a
        refused command's is its ResponseError.

        Raises LayerUnavailable.
        """
        self._waits_since = now_s = time.monotonic()
        self._gives_up_at = now_s + block_s + self._patience_s
        self._look_at = now_s + block_s + self._timeout_s
        if self._look_at < self._timer_at:
            self._look_later()
        try:
            replies = await self._run(commands)
            if self._replies.has_errors or self._complaints.last:
                await self._run_missing(commands, replies)
            if self._is_of_cluster:
                replies = self._host.read_keys(commands, replies)
            return replies
        except (redis.RedisError, OSError) as error:
            await self.close()
            unanswered_s = time.monotonic() - self._waits_since - block_s
            raise self._host.health.lost(error, max(unanswered_s, 0.0)) from error
        except asyncio.CancelledError:
            await self.close()
            raise
        finally:
            self._look_at = math.inf

    async def _run_missing(self, commands: Sequence[Command], replies: list[Any]) -> None:
        """If Redis has lost its scripts: load them, and run those commands that did not run."""
        missing = wire.missing_scripts(replies, self._complaints)
        if missing:
            await self._setup()
            answers = await self._run([commands[place] for place in missing])
            put_in_place(replies, missing, answers)

    def _look_later(self) -> None:
        self._stop_looking()
        self._timer_at = self._look_at
        delay_s = max(self._look_at - time.monotonic(), 0.0)
        self._timer = self._replies.loop.call_later(delay_s, self._look)

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf

    def _look(self) -> None:
        """If the host has not answered in time, cut the connection, and tell whoever waits for a
        reply; unless it may still come."""
        self._timer, self._timer_at = None, math.inf
        now_s = time.monotonic()
        if now_s >= self._look_at:
            is_over = now_s + LOOK_EVERY_S > self._gives_up_at
            if is_over or self._host.health.is_late(self._waits_since):
                self._replies.connection_lost(TimeoutError("no answer in time"))
                return
            self._look_at = now_s + LOOK_EVERY_S
        if self._look_at < math.inf:
            self._look_later()

    async def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()
        self._stop_looking()
        if self._connection is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                await self._connection.disconnect(nowait=True)
            await asyncio.sleep(0)  # in the loop's next pass its socket is closed

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as this side has been told, and no other connection to the
        host broke since it was opened."""
        is_lost = self._replies.is_lost or self._transport.is_closing()
        return not is_lost and self._opened_at > self._host.health.lost_at
