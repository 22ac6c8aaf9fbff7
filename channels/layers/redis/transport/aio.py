"""The driver for event loops: runs plans over one connection per host, shared by all tasks.

Everything that is asked for in one turn of the loop goes out in one pipeline; what is asked for
while that is under way goes into the next.
"""

import asyncio
import logging

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.layers.redis.transport.hosts import BLOCK_S
from channels.layers.redis.transport.plans import Block

logger = logging.getLogger("channels.layers")

#: Most posts, and about how many bytes of them, go out as one command: Redis does nothing else
#: meanwhile.
POSTS_AT_ONCE, POSTS_BYTES = 200, 256 * 1024


class Outbox:
    """The shared connection to one host: gathers requests and runs them in pipelines."""

    def __init__(self, host, loop):
        self._host, self._loop = host, loop
        self._waiting, self._posts = [], {}
        self._pump = None
        self._connection = None

    def submit(self, commands):
        """Return a future for the replies to `commands`."""
        future = self._loop.create_future()
        self._waiting.append((commands, future))
        self._start_pump()
        return future

    def post(self, post):
        """Return a future for the reply to a Post, in a list of its own."""
        future = self._loop.create_future()
        self._posts.setdefault(post.keys, []).append((post, future))
        self._start_pump()
        return future

    def resubmit(self, commands, future):
        """Have a future's commands in the next pipeline."""
        self._waiting.append((commands, future))

    def _start_pump(self):
        if self._pump is None:
            self._pump = self._loop.create_task(self._run())

    async def _run(self):
        """Run pipelines until nothing is waiting."""
        try:
            while self._waiting or self._posts:
                await self._run_batch(self._gather())
        finally:
            self._pump = None
            for _, future in self._gather():
                future.cancel()

    def _gather(self):
        """What is waiting now, as (commands, future) pairs; posts to one queue as one command."""
        batch, self._waiting = self._waiting, []
        posts, self._posts = self._posts, {}
        for group in posts.values():
            batch.extend(self._merge(part) for part in _parts(group))
        return batch

    def _merge(self, group):
        post, future = group[0]
        if len(group) == 1:
            return [post.request.command], future
        rests = [post.rest for post, _ in group]
        return [post.script.call(post.keys, (*post.args, *rests))], _Shared(self, group)

    async def _run_batch(self, batch):
        commands = [command for part, _ in batch for command in part]
        try:
            connection = await self._open_connection()
            replies = await connection.exchange(commands)
        except LayerUnavailable as error:
            replies = [error] * len(commands)
        position = 0
        for part, future in batch:
            if not future.done():
                future.set_result(replies[position : position + len(part)])
            position += len(part)

    async def _open_connection(self):
        """The connection, made anew if it, or another one to the host, broke meanwhile."""
        if self._connection is not None and not self._connection.is_open:
            await self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = await AsyncConnection(self._host).open()
        return self._connection

    async def close(self):
        """Run what is waiting, then close the connection."""
        if self._pump is not None:
            await asyncio.gather(self._pump, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()


def _parts(group):
    """Yield (post, future) pairs in lists that are not too much for one command."""
    part, size = [], 0
    for pair in group:
        if len(part) == POSTS_AT_ONCE or size > POSTS_BYTES:
            yield part
            part, size = [], 0
        part.append(pair)
        size += len(pair[0].rest)
    yield part


class _Shared:
    """The one future of several posts that have gone out as one command."""

    def __init__(self, outbox, group):
        self._outbox, self._group = outbox, group

    def done(self):
        return False

    def set_result(self, replies):
        for post, future in self._group:
            if future.done():
                continue
            if replies[0] == 0:  # no room for all of them: each for itself
                self._outbox.resubmit([post.request.command], future)
            else:
                future.set_result([0] if replies[0] == 1 else replies)

    def cancel(self):
        for _, future in self._group:
            future.cancel()


def _is_lost(task):
    return not task.cancelled() and isinstance(task.exception(), LayerUnavailable)


class AsyncDriver:
    """Runs plans in one event loop."""

    def __init__(self, hosts):
        self._hosts = hosts
        loop = asyncio.get_running_loop()
        self._outboxes = [Outbox(host, loop) for host in hosts]

    async def run(self, plan, called_off=None):
        """Run a plan; return its result. When the future `called_off` is done, nothing blocks any
        more."""
        try:
            step = next(plan)
            while True:
                if isinstance(step, Block):
                    step = plan.send(await self._block(step, called_off))
                else:
                    step = plan.send(await self._exchange(step))
        except StopIteration as stop:
            return stop.value

    def submit(self, request):
        """Run one request, whose reply nobody waits for."""
        self._outboxes[request.host].submit([request.command])

    def post(self, post):
        """Return a future for the reply to a Post, in a list of its own."""
        return self._outboxes[post.request.host].post(post)

    async def _exchange(self, requests):
        if not requests:
            return []
        first = requests[0].host
        if all(request.host == first for request in requests):
            return await self._outboxes[first].submit([request.command for request in requests])
        replies = [None] * len(requests)
        hosts = dict.fromkeys(request.host for request in requests)
        places = {host: [i for i, r in enumerate(requests) if r.host == host] for host in hosts}
        futures = {
            host: self._outboxes[host].submit([requests[i].command for i in mine])
            for host, mine in places.items()
        }
        for host, mine in places.items():
            for i, answer in zip(mine, await futures[host], strict=True):
                replies[i] = answer
        return replies

    async def receive(self, make_plan, put_back, block):
        """Run receiving plans until one brings a (channel, message).

        They run in a task of their own: when the caller is cancelled, it is let go on to the reply,
        and what it brings is put back by the plan `put_back(channel, message)`.
        """
        called_off = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(self._receive(make_plan, block, called_off))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            called_off.set_result(None)
            await asyncio.shield(asyncio.ensure_future(self._give_back(task, put_back)))
            raise

    async def _receive(self, make_plan, block, called_off):
        while True:
            channel, message = await self.run(make_plan(), called_off)
            if channel is not None or not block or called_off.done():
                return channel, message

    async def _give_back(self, task, put_back):
        try:
            channel, message = await task
            if channel is not None:
                await self.run(put_back(channel, message))
        except LayerUnavailable as error:
            logger.debug("a receive was called off while Redis was away: %s", error)

    async def _block(self, block, called_off):
        """Pop on every host at once; when one answers, or all is called off, end the others.

        Each host's pop has its own task, which always ends with the reply read, so that a message
        popped at the last moment is not lost.
        """
        tasks = {asyncio.ensure_future(self._pop(host, block)): host for host in block.hosts}
        signs = [*tasks] if called_off is None else [*tasks, called_off]
        await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        answers = await self._call_off(tasks)
        if not answers and all(_is_lost(task) for task in tasks):
            raise next(iter(tasks)).exception()
        return answers

    async def _pop(self, host, block):
        connection = await AsyncConnection(self._hosts[host]).open()
        asyncio.current_task().client_id = connection.client_id
        timeout_s = min(block.timeout_s, BLOCK_S)
        try:
            command = ("BLPOP", *block.queues, max(round(timeout_s, 3), 0.001))
            (reply,) = await connection.exchange([command], timeout_s)
            return reply
        finally:
            await connection.close()

    async def _call_off(self, tasks):
        """End the pops that still wait; return (host, reply) for every one that got something."""
        while not all(task.done() for task in tasks):
            for task, host in tasks.items():
                client_id = getattr(task, "client_id", None)
                if not task.done() and client_id is not None:
                    unblock = ("CLIENT", "UNBLOCK", client_id)
                    (reply,) = await self._outboxes[host].submit([unblock])
                    if isinstance(reply, LayerUnavailable):  # its pop will not be answered
                        task.cancel()
            await asyncio.wait(tasks, timeout=0.02)
        return [
            (host, task.result())
            for task, host in tasks.items()
            if not task.cancelled() and task.exception() is None and task.result() is not None
        ]

    async def close(self):
        """Close the connections, after what is under way."""
        for outbox in self._outboxes:
            await outbox.close()
