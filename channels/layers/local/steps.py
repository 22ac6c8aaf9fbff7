"""The verbs of the local layer, each as a function of the Store that runs in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from channels.layers import names
from channels.layers.entries import Entry, Letter
from channels.layers.local.store import Store
from channels.layers.operations import Operation, Turn

#: What is done in a transaction. What it gives is said in channels.layers.verbs.EngineSteps.
LocalStep: TypeAlias = Callable[[Store], Any]


class LocalSteps:
    """See channels.layers.verbs.EngineSteps."""

    def carry_out(self, operation: Operation) -> LocalStep:
        return lambda store: store.carry_out(operation)

    def group_add(self, group: str, channel: str) -> LocalStep:
        return lambda store: store.groups.add(group, channel)

    def group_discard(self, group: str, channel: str) -> LocalStep:
        return lambda store: store.groups.discard(group, channel)

    def group_discard_all(self, channel: str) -> LocalStep:
        return lambda store: store.groups.discard_all(channel)

    def group_channels(self, group: str) -> LocalStep:
        return lambda store: names.full_names(store.groups.members(group))

    def flush(self) -> LocalStep:
        return lambda store: store.flush() + store.servers.addresses()

    def channel_statistics(self, channel: str) -> LocalStep:
        queue = names.queue_name(channel)
        return lambda store: store.channel_statistics(queue)

    def global_statistics(self) -> LocalStep:
        return lambda store: store.global_statistics()

    def dead_letter_channels(self) -> LocalStep:
        return lambda store: store.dead_letter_queues()

    def dead_letters(self, channel: str) -> LocalStep:
        queue = names.queue_name(channel)
        return lambda store: [Letter(str(row[0]), *row[1:]) for row in store.dead_letters(queue)]

    def replay_dead_letters(self, channel: str, ids: Collection[str] | None) -> LocalStep:
        queue = names.queue_name(channel)
        return lambda store: store.replay(queue, ids)

    def purge_dead_letters(self, channel: str, ids: Collection[str] | None) -> LocalStep:
        queue = names.queue_name(channel)
        return lambda store: len(store.exhume(queue, ids))

    def load_session(self, reply_channel: str) -> LocalStep:
        return lambda store: store.sockets.load(reply_channel)

    def begin_ordered(
        self, entry: Entry, reply_channel: str, order: int, owner: str
    ) -> Callable[[Store], Turn]:
        return lambda store: store.begin_ordered(entry, reply_channel, order, owner)

    def is_gone(self, queue: str, client: str) -> LocalStep:
        return lambda store: store.servers.is_gone(queue, client)
