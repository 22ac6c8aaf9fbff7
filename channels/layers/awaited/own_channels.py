"""The channels that one process has made for itself, and the groups that they are in."""

from __future__ import annotations

import asyncio
import logging
import os

from channels.exceptions import LayerUnavailable
from channels.layers.awaited.mailboxes import Mailboxes
from channels.layers.base import BaseChannelLayer as Engine
from channels.layers.names import random_suffix, split_local
from channels.layers.process_link import ProcessLink
from channels.messages import Content

logger = logging.getLogger("channels.layers")

#: Between two tries to have the channels join their groups again.
TRY_AGAIN_S = 0.5


class OwnChannels:
    """The channels of this process in a layer of ours.

    Attributes:
        pid: the process.
    """

    def __init__(self, engine: Engine) -> None:
        self.pid = os.getpid()
        self._id = random_suffix()
        self._engine = engine
        self._queues: dict[str, _Queue] = {}

    async def enter(self, prefix: str) -> str:
        """Return the name of the queue of the channels that begin with `prefix`; the layer knows
        then that this process lives."""
        name = f"{prefix}{self._id}!"
        queue = self._queue(name)
        if not queue.has_entered:
            await queue.link.enter()
            queue.has_entered = True
        return name

    async def receive(self, queue: str, local: str) -> Content:
        """Wait for the next message on a channel."""
        return await self._queue(queue).boxes.receive(local)

    def note_joined(self, group: str, channel: str) -> None:
        """A channel has joined a group: if it is ours, it will do so again if the layer forgets."""
        queue, local = split_local(channel)
        if queue in self._queues:
            self._queues[queue].groups_of.setdefault(local, set()).add(group)

    def note_left(self, group: str, channel: str) -> None:
        """A channel leaves a group."""
        queue, local = split_local(channel)
        if queue not in self._queues:
            return
        groups_of = self._queues[queue].groups_of
        groups = groups_of.get(local)
        if groups is not None:
            groups.discard(group)
            if not groups:
                del groups_of[local]

    def groups_of(self, channel: str) -> list[str]:
        """The groups that a channel of ours is in."""
        queue, local = split_local(channel)
        known = self._queues.get(queue)
        return sorted(known.groups_of.get(local, ())) if known is not None else []

    def forget(self, channel: str) -> None:
        """Nobody will receive from a channel any more."""
        queue, local = split_local(channel)
        if queue in self._queues:
            self._queues[queue].boxes.forget(local)

    def _queue(self, name: str) -> _Queue:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(self._engine, name)
        return queue


class _Queue:
    """One queue: its link to the layer, its mailboxes, and in which groups its channels are."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self.has_entered = False
        #: Local part -> groups.
        self.groups_of: dict[str, set[str]] = {}
        self.boxes = Mailboxes(
            self._read, engine.capacity, engine.get_expiry(name), self._tell_drop
        )
        self.link: ProcessLink = engine.open_process_link(
            name, self.boxes.deliver, self._join_again
        )
        self._joining: asyncio.Task[None] | None = None

    async def _read(self) -> None:
        await self.link.read()

    def _tell_drop(self, local: str, reason: str) -> None:
        self._engine.drops.warn(
            self._name,
            reason,
            1,
            "a message for %s%s was dropped: %s",
            self._name,
            local,
            "its reader is too slow" if reason == "full" else "nobody received it in time",
        )

    def _join_again(self) -> None:
        if self._joining is None or self._joining.done():
            self._joining = asyncio.ensure_future(self._join_all_again())

    async def _join_all_again(self) -> None:
        while True:
            try:
                for local, groups in list(self.groups_of.items()):
                    for group in list(groups):
                        await self._engine.agroup_add(group, self._name + local)
                return
            except LayerUnavailable as error:
                logger.debug("groups can't be joined again: %s", error)
                await asyncio.sleep(TRY_AGAIN_S)
