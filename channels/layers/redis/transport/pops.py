"""Blocking pops of an event loop: on several hosts at once, each over a connection of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.aio_connection import AsyncConnection
from channels.layers.redis.transport.hosts import BLOCK_S, Host
from channels.layers.redis.transport.plans import Block, Request


class Pops:
    """Carries out a Block.

    Each host's pop has its own task, which always ends with the reply read, so that a message
    popped at the last moment is not lost. `exchange(requests)` runs requests over other
    connections.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        block: Block,
        exchange: Callable[[list[Request]], Awaitable[list[Any]]],
    ) -> None:
        self._pops = [_Pop(hosts[host], host, block) for host in block.hosts]
        self._exchange = exchange

    async def wait(self, called_off: "asyncio.Future[None] | None") -> list[tuple[int, Any]]:
        """Wait until one host answers, or all is called off; then end the others. Return (host,
        reply) for those that got something. Raises LayerUnavailable if all are away."""
        signs: list[asyncio.Future[Any]] = [pop.task for pop in self._pops]
        if called_off is not None:
            signs.append(called_off)
        await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        answers = await self._call_off()
        if not answers and all(pop.is_lost for pop in self._pops):
            self._pops[0].task.result()
        return answers

    async def _call_off(self) -> list[tuple[int, Any]]:
        """End the pops that still wait; return (host, reply) for every one that got something."""
        while waiting := [pop for pop in self._pops if not pop.task.done()]:
            for pop in waiting:
                if pop.client_id is not None and not pop.task.done():
                    unblock = Request(pop.number, ("CLIENT", "UNBLOCK", pop.client_id))
                    (reply,) = await self._exchange([unblock])
                    if isinstance(reply, LayerUnavailable):  # its pop will not be answered
                        pop.task.cancel()
            await asyncio.wait([pop.task for pop in waiting], timeout=0.02)
        return [
            (pop.number, pop.task.result())
            for pop in self._pops
            if not pop.task.cancelled()
            and pop.task.exception() is None
            and pop.task.result() is not None
        ]


class _Pop:
    """A blocking pop on one host, over a connection of its own, in a task of its own."""

    def __init__(self, host: Host, number: int, block: Block) -> None:
        self._host, self.number = host, number
        #: The id of its connection, once there is one.
        self.client_id: int | None = None
        self.task = asyncio.ensure_future(self._run(block))

    @property
    def is_lost(self) -> bool:
        """Whether it has ended because its host is away."""
        return not self.task.cancelled() and isinstance(self.task.exception(), LayerUnavailable)

    async def _run(self, block: Block) -> Any:
        connection = await AsyncConnection(self._host, reads=True).open()
        self.client_id = connection.client_id
        timeout_s = min(block.timeout_s, BLOCK_S)
        try:
            command = ("BLPOP", *block.queues, max(round(timeout_s, 3), 0.001))
            (reply,) = await connection.exchange([command], timeout_s)
            return reply
        finally:
            await connection.close()
