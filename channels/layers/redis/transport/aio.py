"""The driver for event loops: runs plans over one connection per host, shared by all tasks.

Everything that is asked for in one pass of the loop goes out in one pipeline; what is asked for
while that is under way goes into the next.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from channels.exceptions import LayerUnavailable
from channels.layers.contract import Received
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.lane import Lane
from channels.layers.redis.transport.plans import (
    Block,
    Plan,
    Post,
    Request,
    Wait,
    places_by_host,
    put_in_place,
)
from channels.layers.redis.transport.pops import Pops
from channels.layers.redis.transport.wire import Command
from channels.metrics import hooks

logger = logging.getLogger("channels.layers")

#: Most posts, and about how many bytes of them, go out as one command: Redis does nothing else
#: meanwhile.
POSTS_AT_ONCE, POSTS_BYTES = 200, 256 * 1024
#: After a failure, numbered batches are tried again after this long at the earliest.
LANES_REST_S = 0.01


T = TypeVar("T")
RepliesFuture: TypeAlias = "asyncio.Future[list[Any]]"
#: Who waits for a reply.
Waiting: TypeAlias = "RepliesFuture | Told"


class SharedConnection:
    """The shared connection to one host: gathers requests and runs them in pipelines."""

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self._host, self._loop = host, loop
        self._waiting: list[Submission] = []
        self._posts: dict[tuple[str, ...], list[tuple[Post, Waiting]]] = {}
        self._lanes: list[tuple[Lane[Any], _LaneReply]] = []
        self._lanes_rest_until = 0.0
        self._pump: asyncio.Task[None] | None = None
        self._connection: AsyncConnection | None = None

    def submit(self, commands: list[Command]) -> RepliesFuture:
        """Return a future for the replies to `commands`."""
        future: RepliesFuture = self._loop.create_future()
        self._waiting.append((commands, future))
        self.wake()
        return future

    def post(self, post: Post, waiting: "Waiting") -> None:
        """Send a Post; `waiting` gets the reply, in a list of its own."""
        self._posts.setdefault(post.keys, []).append((post, waiting))
        self.wake()

    def add_lane(self, lane: Lane[Any], on_reply: Callable[[Any], None]) -> Callable[[], None]:
        """From now on, send what is in a Lane; `on_reply(reply)` gets each answer. Returns what is
        to be called when there is something in it."""
        self._lanes.append((lane, _LaneReply(on_reply)))
        return self.wake

    def resubmit(self, commands: list[Command], future: "Waiting") -> None:
        """Have a future's commands in the next pipeline."""
        self._waiting.append((commands, future))

    def wake(self) -> None:
        """There is something to be sent."""
        if self._pump is None:
            self._pump = self._loop.create_task(self._run())

    async def _run(self) -> None:
        """Run pipelines until nothing is waiting."""
        try:
            while batch := self._gather():
                await self._run_batch(batch)
        finally:
            self._pump = None
            for _, future in self._gather_asked():
                future.cancel()

    def _gather(self) -> "list[Submission]":
        """What is waiting now, and what is in lanes."""
        batch = self._gather_asked()
        for lane, on_reply in self._lanes:
            if lane.has_work and not self._are_lanes_resting():
                batch.append(([lane.next_command()], on_reply))
        return batch

    def _gather_asked(self) -> "list[Submission]":
        """What is waiting now, as (commands, future) pairs; posts to one queue as one command."""
        batch, self._waiting = self._waiting, []
        if self._posts:
            posts, self._posts = self._posts, {}
            for group in posts.values():
                parts = [group] if len(group) == 1 else _parts(group)
                batch += [self._merge(part) for part in parts]
        return batch

    def _are_lanes_resting(self) -> bool:
        return self._loop.time() < self._lanes_rest_until

    def _merge(self, group: "list[tuple[Post, Waiting]]") -> "Submission":
        post, future = group[0]
        if len(group) == 1:
            return [post.request.command], future
        rests = [post.rest for post, _ in group]
        return [post.script.call(post.keys, (*post.args, *rests))], _Shared(self, group)

    async def _run_batch(self, batch: "list[Submission]") -> None:
        commands = [command for part, _ in batch for command in part]
        try:
            connection = await self._open_connection()
            started = time.perf_counter() if hooks.meter.is_on else None
            replies = await connection.exchange(commands)
            if started is not None:
                hooks.meter.round_trip(time.perf_counter() - started)
        except LayerUnavailable as error:
            replies = [error for _ in commands]
            self._rest_lanes()
        except BaseException:  # a mistake, or the end: nobody waits for ever because of it
            for _, future in batch:
                future.cancel()
            raise
        position = 0
        for part, future in batch:
            if not future.done():
                future.set_result(replies[position : position + len(part)])
            position += len(part)

    def _rest_lanes(self) -> None:
        """What is in lanes is not asked for by anybody again: do so when the host is tried."""
        if self._lanes:
            rest_s = max(self._host.health.retry_in_s, LANES_REST_S)
            self._lanes_rest_until = self._loop.time() + rest_s
            self._loop.call_later(rest_s + LANES_REST_S, self._wake_lanes)

    def _wake_lanes(self) -> None:
        if any(lane.has_work for lane, _ in self._lanes):
            self.wake()

    async def _open_connection(self) -> AsyncConnection:
        """The connection, made anew if it, or another one to the host, broke meanwhile."""
        if self._connection is not None and not self._connection.is_open:
            await self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = await AsyncConnection(self._host).open()
            for lane, _ in self._lanes:
                lane.note_new_connection()
        return self._connection

    async def close(self) -> None:
        """Run what is waiting, then close the connection."""
        self._lanes.clear()
        if self._pump is not None:
            await asyncio.gather(self._pump, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()


def _parts(group: "list[tuple[Post, Waiting]]") -> "Iterator[list[tuple[Post, Waiting]]]":
    """Yield (post, future) pairs in lists that are not too much for one command."""
    part: list[tuple[Post, Waiting]] = []
    size = 0
    for pair in group:
        if len(part) == POSTS_AT_ONCE or size > POSTS_BYTES:
            yield part
            part, size = [], 0
        part.append(pair)
        size += len(pair[0].rest)
    yield part


class Told:
    """In the place of a future: somebody who is told the reply to a Post at once, or the error that
    came in its place."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self._tell = tell

    def done(self) -> bool:
        return False

    def set_result(self, replies: list[Any]) -> None:
        self._tell(replies[0])

    def cancel(self) -> None:
        self._tell(LayerUnavailable("the link to Redis has been stopped", was_sent=False))


class _LaneReply:
    """In the place of a future: who is told what Redis says to each batch of a lane."""

    def __init__(self, on_reply: Callable[[Any], None]) -> None:
        self._on_reply = on_reply

    def done(self) -> bool:
        return False

    def set_result(self, replies: list[Any]) -> None:
        self._on_reply(replies[0])

    def cancel(self) -> None:
        """A lane's messages stay in it."""


class _Shared:
    """The one future of several posts that have gone out as one command."""

    def __init__(self, connection: SharedConnection, group: "list[tuple[Post, Waiting]]") -> None:
        self._connection, self._group = connection, group

    def done(self) -> bool:
        return False

    def set_result(self, replies: list[Any]) -> None:
        for post, future in self._group:
            if future.done():
                continue
            if replies[0] == 0:  # no room for all of them: each for itself
                self._connection.resubmit([post.request.command], future)
            else:
                future.set_result([0] if replies[0] == 1 else replies)

    def cancel(self) -> None:
        for _, future in self._group:
            future.cancel()


#: Commands, and whoever waits for the replies to them.
Submission: TypeAlias = tuple[list[Command], "Waiting | _Shared | _LaneReply"]


class AsyncDriver:
    """Runs plans in one event loop, the one that runs when it is made."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = hosts
        self.loop = asyncio.get_running_loop()
        self._connections = [SharedConnection(host, self.loop) for host in hosts]

    async def run(self, plan: Plan[T], called_off: "asyncio.Future[None] | None" = None) -> T:
        """Run a plan; return its result. When the future `called_off` is done, nothing blocks any
        more."""
        answer: Any
        try:
            step = next(plan)
            while True:
                if isinstance(step, Wait):
                    raise TypeError("a Wait is for threads, which have a connection of their own")
                try:
                    if isinstance(step, Block):
                        answer = await Pops(self._hosts, step, self._exchange).wait(called_off)
                    else:
                        answer = await self._exchange(step)
                except LayerUnavailable as error:
                    step = plan.throw(error)
                else:
                    step = plan.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def submit(self, request: Request) -> None:
        """Run one request, whose reply nobody waits for."""
        self._connections[request.host].submit([request.command])

    def post(self, post: Post) -> RepliesFuture:
        """Return a future for the reply to a Post, in a list of its own."""
        future: RepliesFuture = self.loop.create_future()
        self._connections[post.request.host].post(post, future)
        return future

    def post_and_tell(self, post: Post, tell: Callable[[Any], None]) -> None:
        """Send a Post; `tell(reply)` is called once there is one, or with an error."""
        self._connections[post.request.host].post(post, Told(tell))

    def add_lane(
        self, host: int, lane: Lane[Any], on_reply: Callable[[Any], None]
    ) -> Callable[[], None]:
        """From now on, send what is in a Lane to a host; `on_reply(reply)` gets each answer.
        Returns what is to be called when there is something in it."""
        return self._connections[host].add_lane(lane, on_reply)

    async def _exchange(self, requests: Sequence[Request]) -> list[Any]:
        if not requests:
            return []
        first = requests[0].host
        if all(request.host == first for request in requests):
            return await self._connections[first].submit([request.command for request in requests])
        replies: list[Any] = [None] * len(requests)
        by_host = places_by_host(requests)
        futures = {
            host: self._connections[host].submit([requests[place].command for place in places])
            for host, places in by_host.items()
        }
        for host, places in by_host.items():
            put_in_place(replies, places, await futures[host])
        return replies

    async def receive(
        self,
        make_plan: Callable[[], Plan[Received]],
        put_back: Callable[[str, dict[str, Any]], Plan[None]],
        block: bool,
    ) -> Received:
        """Run receiving plans until one brings a (channel, message).

        They run in a task of their own: when the caller is cancelled, it is let go on to the reply,
        and what it brings is put back by the plan `put_back(channel, message)`.
        """
        called_off: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(self._receive(make_plan, block, called_off))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            called_off.set_result(None)
            await asyncio.shield(asyncio.ensure_future(self._give_back(task, put_back)))
            raise

    async def _receive(
        self,
        make_plan: Callable[[], Plan[Received]],
        block: bool,
        called_off: "asyncio.Future[None]",
    ) -> Received:
        while True:
            received = await self.run(make_plan(), called_off)
            if received[0] is not None or not block or called_off.done():
                return received

    async def _give_back(
        self,
        task: "asyncio.Task[Received]",
        put_back: Callable[[str, dict[str, Any]], Plan[None]],
    ) -> None:
        try:
            channel, message = await task
            if channel is not None and message is not None:
                await self.run(put_back(channel, message))
        except LayerUnavailable as error:
            logger.debug("a receive was called off while Redis was away: %s", error)

    async def close(self) -> None:
        """Close the connections, after what is under way."""
        for connection in self._connections:
            await connection.close()
