"""The verbs of the in-memory layer, each as a function of the Store and the time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from channels.layers import names
from channels.layers.entries import Entry, Letter
from channels.layers.memory.store import Store
from channels.layers.operations import Operation, Turn

#: What runs under the layer's lock. What it gives is said in channels.layers.verbs.EngineSteps.
MemoryStep: TypeAlias = Callable[[Store, float], Any]


class MemorySteps:
    """See channels.layers.verbs.EngineSteps."""

    def carry_out(self, operation: Operation) -> MemoryStep:
        return lambda store, now: store.carry_out(operation, now)

    def group_add(self, group: str, channel: str) -> MemoryStep:
        return lambda store, now: store.groups.add(group, channel, now)

    def group_discard(self, group: str, channel: str) -> MemoryStep:
        return lambda store, now: store.groups.discard(group, channel)

    def group_discard_all(self, channel: str) -> MemoryStep:
        return lambda store, now: store.groups.discard_all(channel)

    def group_channels(self, group: str) -> MemoryStep:
        return lambda store, now: names.full_names(store.groups.members(group, now))

    def flush(self) -> MemoryStep:
        return lambda store, now: store.flush()

    def channel_statistics(self, channel: str) -> MemoryStep:
        queue = names.queue_name(channel)
        return lambda store, now: store.channel_statistics(queue, now)

    def global_statistics(self) -> MemoryStep:
        return lambda store, now: store.global_statistics(now)

    def dead_letter_channels(self) -> MemoryStep:
        return lambda store, now: store.dead_letter_queues()

    def dead_letters(self, channel: str) -> MemoryStep:
        queue = names.queue_name(channel)

        def read(store: Store, now: float) -> list[Letter]:
            return [
                Letter(letter.id, letter.at, letter.reason, entry.attempts, entry.payload)
                for letter in store.dead_letters(queue)
                for entry in [letter.entry]
            ]

        return read

    def replay_dead_letters(self, channel: str, ids: Collection[str] | None) -> MemoryStep:
        queue = names.queue_name(channel)
        return lambda store, now: store.replay(queue, ids, now)

    def purge_dead_letters(self, channel: str, ids: Collection[str] | None) -> MemoryStep:
        queue = names.queue_name(channel)
        return lambda store, now: store.purge(queue, ids)

    def load_session(self, reply_channel: str) -> MemoryStep:
        return lambda store, now: store.sockets.load(reply_channel, now)

    def begin_ordered(
        self, entry: Entry, reply_channel: str, order: int, owner: str
    ) -> Callable[[Store, float], Turn]:
        return lambda store, now: store.begin_ordered(entry, reply_channel, order, now)

    def is_gone(self, queue: str, client: str) -> MemoryStep:
        return lambda store, now: store.servers.is_gone(queue, client)
