"""What operations do, as coroutines in the loop of the transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, ClientBusy, ClientGone, LayerUnavailable
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.counts import tell_carried_out
from channels.layers.names import random_suffix
from channels.layers.rabbitmq.counts import BrokerCounts
from channels.layers.rabbitmq.dead_letters import BrokerDeadLetters
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.envelope import BrokerEntry, pack_body
from channels.layers.rabbitmq.groups import BrokerGroups
from channels.layers.rabbitmq.notices import Notices
from channels.layers.rabbitmq.ordering import BrokerSockets
from channels.layers.rabbitmq.queues import BrokerQueues
from channels.layers.rabbitmq.statistics import BrokerStatistics
from channels.layers.rabbitmq.topology import Topology
from channels.layers.rabbitmq.transport import Session, Transport, import_aiormq
from channels.layers.trouble import Trouble
from channels.metrics import hooks

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer


class Engine:
    """All that one layer keeps in the broker, and the connection to it."""

    def __init__(self, layer: RabbitmqChannelLayer, topology: Topology, drawers: Drawers) -> None:
        self.layer, self.topology, self.drawers = layer, topology, drawers
        self.clock = time.time
        self.transport = Transport(layer.url, self._open)
        self.notices = Notices(topology)
        self._trouble = Trouble(f"RabbitMQ at {self.transport.name}")
        self.counts = BrokerCounts(drawers, self.clock)
        self.queues = BrokerQueues(layer, topology, drawers, self.notices, self.counts)
        self.groups = BrokerGroups(layer, drawers, self.notices)
        self.sockets: BrokerSockets = BrokerSockets(layer, drawers, self.queues, self.counts)
        self.dead_letters = BrokerDeadLetters(layer, topology, drawers, self.queues, self.counts)
        self.queues.bury = self.dead_letters.keep
        self.statistics = BrokerStatistics(layer, topology, self.counts, self.dead_letters)

    async def _open(self, session: Session) -> None:
        """What is done over each new connection, first of all."""
        self.queues.owned.clear()  # what was in hand has gone back to its queue
        await self.drawers.found(session)
        await self.notices.open(session)
        await self.queues.tell_all(session)

    async def run(self, function: Callable[[Session], Awaitable[Any]]) -> Any:
        """Await `function(session)`. Raises LayerUnavailable, which is told."""
        try:
            result = await self._run(function)
        except LayerUnavailable as error:
            self._trouble.note(error)
            raise
        if self._trouble.is_on:
            self._trouble.note_success()
        return result

    async def _run(self, function: Callable[[Session], Awaitable[Any]]) -> Any:
        aiormq = import_aiormq()
        session = await self.transport.session()
        if session.is_blocked:
            raise self.transport.blocked()
        started = time.perf_counter()
        try:
            result = await function(session)
            hooks.meter.round_trip(time.perf_counter() - started)
            return result
        except (aiormq.exceptions.AMQPError, OSError, asyncio.TimeoutError) as error:
            if isinstance(error, LayerUnavailable):
                raise
            raise self.transport.lost(error) from error

    # -- operations -----------------------------------------------------------------------------

    async def apply(self, operations: Iterable[Any]) -> list[Any]:
        """The results of operations, in order; what stands behind a refused one is held back."""
        results: list[Any] = []
        refused: set[str] = set()
        for operation in operations:
            channel = ops.row_of(operation)
            if channel in refused:
                results.append(self.layer.hold_back(channel))
                continue
            result = await self.run(lambda session: self.carry_out(session, operation))  # noqa: B023
            if isinstance(result, Exception) and not isinstance(result, ClientGone) and channel:
                refused.add(channel)
            results.append(result)
        return results

    async def carry_out(self, session: Session, operation: ops.Operation) -> Any:
        """Do one operation. Returns None, an Entry set free, or the exception that refuses it."""
        action = _ACTIONS.get(type(operation))
        if action is None:
            raise TypeError(f"expected one of channels.layers.operations, got {operation!r}")
        result = await action(self, session, operation)
        tell_carried_out(operation, result)
        return result

    async def _send(self, session: Session, operation: ops.Send) -> Exception | None:
        channel = operation.channel
        name, client = names.split_local(channel)
        state = self.notices.state_of(name, client)
        if state == "gone":
            return ClientGone(channel)
        body = pack_body([client], operation.payload, 0, self.clock())
        if operation.delay_s > 0:
            await self.queues.put_late(session, name, body, operation.delay_s)
        elif state == "held":
            self.counts.add(name, "channel_full_count")
            return ClientBusy(channel, 0, self.layer.get_capacity(name))
        elif not (
            await self.queues.has_room(session, name) and await self.queues.put(session, name, body)
        ):
            self.counts.add(name, "channel_full_count")
            capacity = self.layer.get_capacity(name)
            return ChannelFull(channel, capacity, capacity)
        self.counts.add(name, "messages_count")
        return None

    async def send_batch(
        self, session: Session, name: str, batch: Sequence[tuple[list[str], bytes]]
    ) -> int:
        """Send packed messages to clients of one queue, in order, as long as there is room; return
        how many were sent."""
        for count, (clients, payload) in enumerate(batch):
            body = pack_body(clients, payload, 0, self.clock())
            if not await self.queues.put(session, name, body):
                self.counts.add(name, "channel_full_count")
                return count
            self.counts.add(name, "messages_count")
        return len(batch)

    async def _send_group(self, session: Session, operation: ops.SendGroup) -> None:
        for name, clients in (await self.groups.members(session, operation.group)).items():
            states = {client: self.notices.state_of(name, client) for client in clients}
            present = [client for client in clients if states[client] is None]
            dropped = sum(state == "held" for state in states.values())
            if present:
                body = pack_body(present, operation.payload, 0, self.clock())
                if await self.queues.put(session, name, body):
                    self.counts.add(name, "messages_count")
                else:
                    dropped += len(present)
            self.counts.add(name, "dropped_count", dropped)

    async def _count_drop(self, session: Session, operation: ops.Drop) -> None:
        name = names.queue_name(operation.channel)
        self.counts.add(name, f"{operation.reason}_count", operation.count)

    # -- operations on a delivery ----------------------------------------------------------------

    def _entry(self, delivery: ops.Delivery) -> BrokerEntry | None:
        """The entry of a delivery; None if it is not this worker's any more: after a flush, or when
        RabbitMQ has given an acknowledged one to another worker."""
        entry = delivery.token
        if not isinstance(entry, BrokerEntry):
            raise ValueError(f"this delivery on {delivery.channel!r} did not come from this layer")
        if not self.queues.is_acknowledged(entry.queue):
            return entry
        place = entry.channel_and_tag
        is_ours = (
            place is not None and not place[0].is_closed and not self.notices.was_flushed(entry)
        )
        return entry if is_ours else None

    async def _done(self, session: Session, operation: ops.Done) -> None:
        await self.queues.acknowledge(operation.delivery.token)

    async def _retry(self, session: Session, operation: ops.Retry) -> None:
        entry = self._entry(operation.delivery)
        if entry is None:
            return
        body = pack_body(entry.clients, entry.payload, entry.attempts + 1, self.clock())
        if operation.delay_s > 0:
            await self.queues.put_late(session, entry.queue, body, operation.delay_s)
        else:
            await self.queues.put(session, entry.queue, body, front=True)
        await self.queues.acknowledge(entry)

    async def _put_back(self, session: Session, operation: ops.PutBack) -> None:
        entry = self._entry(operation.delivery)
        if entry is not None:
            await self.queues.to_front(session, entry)
            await self.queues.acknowledge(entry)

    async def _bury(self, session: Session, operation: ops.DeadLetter) -> None:
        entry = self._entry(operation.delivery)
        if entry is not None:
            await self.dead_letters.keep(session, entry, operation.reason)
            await self.queues.acknowledge(entry)

    # -- flush ----------------------------------------------------------------------------------

    async def flush(self, session: Session) -> None:
        """Remove everything."""
        async with self.drawers.open(session, "registry") as state:
            known, late = [*state.get("names", {})], [*state.get("late", {})]
            state.clear()
            state["boot"] = random_suffix()
        channel, topology = await session.open_channel(), self.topology
        for name in known:
            for queue in (topology.main(name), topology.front(name), topology.dead(name)):
                await channel.queue_delete(queue)
        for queue in late:
            await channel.queue_delete(queue)
        await channel.queue_purge(topology.expired)
        await channel.close()
        for drawer in self.drawers.names():
            if drawer != "registry":
                async with self.drawers.open(session, drawer) as state:
                    state.clear()
        self.counts.clear()
        session.declared.clear()
        await self.notices.announce(session, {"flushed": True})


_ACTIONS: dict[type, Callable[[Engine, Session, Any], Awaitable[Any]]] = {
    ops.Send: Engine._send,
    ops.SendGroup: Engine._send_group,
    ops.Retry: Engine._retry,
    ops.DeadLetter: Engine._bury,
    ops.Done: Engine._done,
    ops.Drop: Engine._count_drop,
    ops.PutBack: Engine._put_back,
    ops.SaveSession: lambda engine, session, operation: engine.sockets.save_session(
        session, operation
    ),
    ops.ForgetSocket: lambda engine, session, operation: engine.sockets.forget(session, operation),
    ops.FinishOrdered: lambda engine, session, operation: engine.sockets.finish(session, operation),
    ops.ReleaseOrdered: lambda engine, session, operation: engine.sockets.release(
        session, operation
    ),
}
