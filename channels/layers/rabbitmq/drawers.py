"""State that is no message: groups, sessions, the order of sockets, who lives, what was counted.

RabbitMQ has queues only. A drawer is a queue that holds one message: the state. Whoever takes that
message out has the drawer to himself; he puts the new state in, and acknowledges the old one. If he
dies in between, RabbitMQ puts the old one back by itself. Nobody has to be elected, and nothing is
held by a process that the others would miss.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import msgpack

from channels.exceptions import LayerUnavailable
from channels.layers.backoff import Backoff
from channels.layers.names import random_suffix
from channels.layers.rabbitmq.topology import EXPIRED_KEPT, Topology
from channels.layers.rabbitmq.transport import Session, import_aiormq

#: Seconds to wait for a drawer: whoever has it out has it for a few milliseconds.
LIMIT_S = 15.0
#: The first and the longest pause between two attempts, in seconds.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.001, 0.01

#: What lies in a drawer, and a part of it: what is kept of one process, or of one socket.
Held = dict[Any, Any]
Record = dict[str, Any]


class Drawers:
    """All drawers of a layer: `registry`, `counts`, and `count` each for groups and sockets."""

    def __init__(self, topology: Topology, count: int) -> None:
        self._topology, self._count = topology, count

    def names(self) -> list[str]:
        """The names of all drawers."""
        parts = [f"{kind}.{n}" for kind in ("groups", "sockets") for n in range(self._count)]
        return ["registry", "counts", *parts]

    def of_group(self, group: str) -> str:
        return f"groups.{zlib.crc32(group.encode()) % self._count}"

    def of_socket(self, channel: str) -> str:
        return f"sockets.{zlib.crc32(channel.encode()) % self._count}"

    def names_of(self, kind: str) -> list[str]:
        """The names of the drawers of one kind."""
        return [name for name in self.names() if name.startswith(kind)]

    @contextlib.asynccontextmanager
    async def open(self, session: Session, name: str) -> AsyncIterator[Held]:
        """Give the state in a drawer, which is put back, as it was changed, at the end."""
        queue, message = self._topology.drawer(name), await self._take(session, name)
        channel = session.drawing
        before = message.body
        try:
            state: Held = msgpack.unpackb(before, raw=False, strict_map_key=False)
            yield state
            after = msgpack.packb(state, use_bin_type=True)
        except BaseException:
            await channel.basic_nack(message.delivery.delivery_tag, requeue=True)
            raise
        if after == before:
            await channel.basic_nack(message.delivery.delivery_tag, requeue=True)
        else:
            await channel.basic_publish(after, routing_key=queue)
            await channel.basic_ack(message.delivery.delivery_tag)

    async def _take(self, session: Session, name: str) -> Any:
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        deadline = time.monotonic() + LIMIT_S
        while True:
            message = await session.drawing.basic_get(self._topology.drawer(name))
            if message.delivery.name == "Basic.GetOk":
                return message
            if time.monotonic() > deadline:
                raise LayerUnavailable(
                    f"another process has had the state {name!r} for {LIMIT_S:g} s: it is stopped "
                    "or stuck",
                    was_sent=False,
                )
            await asyncio.sleep(backoff.next_s())

    async def found(self, session: Session) -> None:
        """See that there are drawers, exchanges and the queue of what has expired; one process
        makes them, while the others wait."""
        aiormq = import_aiormq()
        mark, deadline = f"{self._topology.prefix}founded", time.monotonic() + LIMIT_S
        while await session.count(mark) is None:
            channel = await session.open_channel()
            try:
                await channel.queue_declare(f"{self._topology.prefix}founding", exclusive=True)
            except aiormq.exceptions.ChannelLockedResource:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
                continue
            if await session.count(mark) is None:
                await self._make(session)
                await channel.queue_declare(mark)
            await channel.queue_delete(f"{self._topology.prefix}founding")
            await channel.close()

    async def _make(self, session: Session) -> None:
        channel, topology = session.drawing, self._topology
        for exchange, kind in (
            (topology.due, "direct"),
            (topology.wake, "direct"),
            (topology.news, "fanout"),
        ):
            await channel.exchange_declare(exchange, exchange_type=kind)
        limits = {"x-max-length": EXPIRED_KEPT, "x-overflow": "drop-head"}
        await channel.queue_declare(topology.expired, arguments=limits)
        for name in self.names():
            await self._make_one(channel, name)

    async def _make_one(self, channel: Any, name: str) -> None:
        queue = self._topology.drawer(name)
        limits = {"x-max-length": 1, "x-overflow": "drop-head"}
        await channel.queue_declare(queue, arguments=limits)
        await channel.queue_purge(queue)
        # Which broker it is, since its start: another one has forgotten the sockets.
        first: Held = {"boot": random_suffix()} if name == "registry" else {}
        await channel.basic_publish(msgpack.packb(first), routing_key=queue)
