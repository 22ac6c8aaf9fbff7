"""`RabbitmqChannelLayer`: the verbs, each over a coroutine of the Engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from channels.layers.codec import Codec
from channels.layers.contract import OnReply, Reader, ServerLink
from channels.layers.entries import LayerOverEntries
from channels.layers.limits import MAX_MESSAGE_BYTES
from channels.layers.process_link import Deliver, ProcessLink
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.engine import Engine
from channels.layers.rabbitmq.envelope import BrokerEntry
from channels.layers.rabbitmq.housekeeping import Housekeeping
from channels.layers.rabbitmq.link import RabbitmqLink
from channels.layers.rabbitmq.process_link import RabbitmqProcessLink
from channels.layers.rabbitmq.reader import RabbitmqReader, Seeker
from channels.layers.rabbitmq.steps import RabbitmqStep, RabbitmqSteps
from channels.layers.rabbitmq.topology import Topology
from channels.layers.rabbitmq.transport import check_url, import_aiormq
from channels.layers.rabbitmq.worker_link import RabbitmqWorkerLink
from channels.layers.worker_link import OnMessage, WorkerLink

URL = "amqp://guest:guest@localhost:5672/"
PREFIX = "asgi."
#: How many drawers there are for groups, and for sockets. The same number in all processes.
DRAWERS = 16


class RabbitmqChannelLayer(LayerOverEntries[RabbitmqSteps]):
    """A channel layer over RabbitMQ 3.10 or later.

    Args:
        url: amqp:// or amqps://, with user, password and virtual host.
        prefix: put before the names of queues and exchanges; two projects on one virtual host need
            two.
        symmetric_encryption_keys: a list; the first encrypts messages, all decrypt them.
        drawers: in how many parts state is kept that is no message; the same in all processes.
        expiry, group_expiry, capacity, channel_capacity, channel_expiry, acknowledged: see
            BaseChannelLayer.
    """

    entry_class = BrokerEntry

    def __init__(
        self,
        *,
        url: str = URL,
        prefix: str = PREFIX,
        symmetric_encryption_keys: Sequence[Any] = (),
        drawers: int = DRAWERS,
        **config: Any,
    ) -> None:
        super().__init__(**config)
        import_aiormq()
        check_url(url)
        if not isinstance(drawers, int) or not 1 <= drawers <= 1_000:
            raise ValueError(f"drawers must be a number from 1 to 1000, got {drawers!r}")
        self.url, self.prefix = url, prefix
        self.codec = Codec(MAX_MESSAGE_BYTES, symmetric_encryption_keys)
        topology = Topology(prefix)
        self.engine = Engine(self, topology, Drawers(topology, drawers))
        self.steps = RabbitmqSteps(self.engine)
        self.housekeeping = Housekeeping(self.engine)
        self._guard = threading.Lock()
        self._kept_at = float("-inf")

    def run(self, step: RabbitmqStep) -> Any:
        """Await `step(session)` where the connection lives, and wait for it."""
        return self.engine.transport.run(self.engine.run(step))

    async def arun(self, step: RabbitmqStep) -> Any:
        return await self.engine.transport.arun(self.engine.run(step))

    # -- channels -----------------------------------------------------------------------------

    def receive(self, channels: Sequence[str], block: bool = False) -> tuple[Any, Any]:
        seeker = Seeker(self.engine, self.check_receive_names(channels))
        while True:
            seeking = seeker.wait(None) if block else seeker.look_everywhere()
            delivery = self.delivery(self.engine.transport.run(seeking))
            if delivery is not None:
                return delivery.channel, delivery.content
            if not block:
                return None, None

    async def areceive(self, channels: Sequence[str], block: bool = False) -> tuple[Any, Any]:
        seeker = Seeker(self.engine, self.check_receive_names(channels))
        loop = self.engine.transport.loop()
        while True:
            seeking = seeker.wait(None) if block else seeker.look_everywhere()
            future = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(seeking, loop))
            try:
                entry = await asyncio.shield(future)
            except asyncio.CancelledError:
                loop.call_soon_threadsafe(seeker.call_off)
                entry = await future
                if entry is not None:
                    await self.arun(self.steps.put_back(entry))
                raise
            delivery = self.delivery(entry)
            if delivery is not None:
                return delivery.channel, delivery.content
            if not block:
                return None, None

    # -- what can be seen -----------------------------------------------------------------------

    def status(self, names_age_s: float = 0.0) -> dict[str, Any]:
        status: dict[str, Any] = self.run(self.housekeeping.status)
        return status

    def living_workers(self) -> list[dict[str, Any]]:
        return self._living("workers")

    def _living(self, kind: str) -> list[dict[str, Any]]:
        processes: list[dict[str, Any]] = self.run(
            lambda session: self.housekeeping.processes(session, kind)
        )
        return processes

    def count_undecodable(self, queue: str) -> None:
        self.engine.counts.add(queue, "undecodable_count")

    # -- what workers call ------------------------------------------------------------------------

    def apply(self, operations: Sequence[Any]) -> list[Any]:
        return self.results(self.engine.transport.run(self.engine.apply(operations)))

    def open_reader(self, channels: Sequence[str]) -> Reader:
        return RabbitmqReader(self, self.check_receive_names(channels))

    def check_neighbours(self) -> None:
        for kind in ("servers", "workers"):
            self.check_project(kind[:-1], self._living(kind))

    def keep_house(self, worker_id: str, facts: Mapping[str, Any], channels: Iterable[str]) -> None:
        self.drops.sum_up()
        with self._guard:
            if time.monotonic() < self._kept_at + 2.0:
                return
            self._kept_at = time.monotonic()
        house = self.housekeeping
        known = {**facts, "owned": {**+self.engine.queues.owned}}
        self.run(lambda session: house.keep_as_worker(session, worker_id, known))

    def leave_house(self, worker_id: str) -> None:
        self.run(self.engine.statistics.write)
        self.run(lambda session: self.housekeeping.leave(session, "workers", worker_id))

    # -- what interface servers call --------------------------------------------------------------

    def open_link(
        self, server_id: str, on_reply: OnReply, on_lost: Callable[[], None]
    ) -> ServerLink:
        return RabbitmqLink(self, server_id, on_reply, on_lost)

    def open_worker_link(self, worker_id: str, on_message: OnMessage) -> WorkerLink:
        return RabbitmqWorkerLink(self, worker_id, on_message)

    def open_process_link(
        self, queue: str, deliver: Deliver, on_lost: Callable[[], None]
    ) -> ProcessLink:
        return RabbitmqProcessLink(self, queue, deliver, on_lost)

    # -- the end ----------------------------------------------------------------------------------

    def close(self) -> None:
        self.engine.transport.close()
