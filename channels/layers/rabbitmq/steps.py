"""The verbs of the RabbitMQ layer, each as a coroutine function of the Session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeAlias

from channels.layers import names
from channels.layers.entries import Entry, Letter
from channels.layers.operations import Operation
from channels.layers.rabbitmq.engine import Engine
from channels.layers.rabbitmq.transport import Session

#: What is awaited where the connection lives; its result: see channels.layers.verbs.EngineSteps.
RabbitmqStep: TypeAlias = Callable[[Session], Awaitable[Any]]


class RabbitmqSteps:
    """See channels.layers.verbs.EngineSteps."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def carry_out(self, operation: Operation) -> RabbitmqStep:
        return lambda session: self._engine.carry_out(session, operation)

    def group_add(self, group: str, channel: str) -> RabbitmqStep:
        return lambda session: self._engine.groups.add(session, group, channel)

    def group_discard(self, group: str, channel: str) -> RabbitmqStep:
        return lambda session: self._engine.groups.discard(session, group, channel)

    def group_discard_all(self, channel: str) -> RabbitmqStep:
        return lambda session: self._engine.groups.discard_all(session, channel)

    def group_channels(self, group: str) -> RabbitmqStep:
        async def read(session: Session) -> list[str]:
            return names.full_names(await self._engine.groups.members(session, group))

        return read

    def flush(self) -> RabbitmqStep:
        return self._engine.flush

    def channel_statistics(self, channel: str) -> RabbitmqStep:
        queue = names.queue_name(channel)
        return lambda session: self._engine.statistics.channel(session, queue)

    def global_statistics(self) -> RabbitmqStep:
        return self._engine.statistics.everything

    def dead_letter_channels(self) -> RabbitmqStep:
        return self._engine.dead_letters.channels

    def dead_letters(self, channel: str) -> RabbitmqStep:
        queue = names.queue_name(channel)

        async def read(session: Session) -> list[Letter]:
            return [
                Letter(letter_id, at, reason, attempts, payload, queue + clients)
                for letter_id, at, reason, attempts, clients, payload in (
                    await self._engine.dead_letters.letters(session, queue)
                )
            ]

        return read

    def replay_dead_letters(self, channel: str, ids: Collection[str] | None) -> RabbitmqStep:
        queue = names.queue_name(channel)
        return lambda session: self._engine.dead_letters.replay(session, queue, ids)

    def purge_dead_letters(self, channel: str, ids: Collection[str] | None) -> RabbitmqStep:
        queue = names.queue_name(channel)

        async def purge(session: Session) -> int:
            return len(await self._engine.dead_letters.take_out(session, queue, ids))

        return purge

    def load_session(self, reply_channel: str) -> RabbitmqStep:
        return lambda session: self._engine.sockets.load_session(session, reply_channel)

    def begin_ordered(
        self, entry: Entry, reply_channel: str, order: int, owner: str
    ) -> RabbitmqStep:
        return lambda session: self._engine.sockets.begin(
            session, entry, reply_channel, order, owner
        )

    def put_back(self, entry: Entry) -> RabbitmqStep:
        """Step: put an entry in front of its channel."""
        return lambda session: self._engine.queues.to_front(session, entry)

    def is_gone(self, queue: str, client: str) -> RabbitmqStep:
        async def look(session: Session) -> bool:
            return self._engine.notices.state_of(queue, client) == "gone"

        return look
