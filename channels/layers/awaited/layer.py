"""`AwaitedLayer`: a layer of ours with the verbs that Channels 2 and later have."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from channels.exceptions import InvalidMessage
from channels.layers.awaited.contract import BaseChannelLayer
from channels.layers.awaited.mailboxes import Mailboxes, Message
from channels.layers.base import BaseChannelLayer as Engine
from channels.layers.names import queue_name, random_suffix, split_local

#: What comes first in the name of a channel that one process made for itself.
PREFIX = "specific."
#: Letters and digits that tell one channel of a process from another one.
LOCAL_LENGTH = 12


class AwaitedLayer(BaseChannelLayer):
    """The same channels and groups as those of a layer of ours, by coroutines.

    Args:
        engine: that layer.
        wrapper: what consumers of 1.x have of it, if they have it at all.

    Attributes:
        engine: that layer, with the verbs of `channels.layers.base`.
    """

    extensions: ClassVar[Sequence[str]] = ("groups", "flush")

    def __init__(self, engine: Engine, wrapper: object = None) -> None:
        super().__init__(
            expiry=engine.expiry,
            capacity=engine.capacity,
            channel_capacity=engine.channel_capacity,
        )
        self.channel_capacity = self.compile_capacities(engine.channel_capacity)
        self.engine, self.wrapper = engine, wrapper
        self.group_expiry = engine.group_expiry
        self._process: _Process | None = None

    # -- channels -------------------------------------------------------------------------------

    async def send(self, channel: str, message: Message) -> None:
        """Put a message on a channel, of this process or of any other, or of a worker.

        Raises ChannelFull, MessageTooLarge, TypeError for what is no channel name or can't be
        sent, LayerUnavailable.
        """
        self.require_valid_channel_name(channel)
        await self.engine.asend(channel, _checked(message))

    async def receive(self, channel: str) -> Message:
        """Wait for the next message on a channel, and return it. Cancelling it loses none."""
        self.require_valid_channel_name(channel)
        queue, local = split_local(channel)
        if "!" in channel:
            return await self._here().mailboxes_of(queue).receive(local)
        _, message = await self.engine.areceive([channel], block=True)
        return message or {}

    async def new_channel(self, prefix: str = PREFIX) -> str:
        """Return the name of a new channel of this process, such as "specific.x7Qd…!k2hP…"."""
        return f"{prefix}{self._here().id}!{random_suffix(LOCAL_LENGTH)}"

    def _here(self) -> _Process:
        """What belongs to this process: a forked one begins anew."""
        process = self._process
        if process is None or process.pid != os.getpid():
            process = self._process = _Process(self.engine, self.get_capacity)
        return process

    # -- groups ---------------------------------------------------------------------------------

    async def group_add(self, group: str, channel: str) -> None:
        """Make a channel a member of a group."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self.engine.agroup_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group; fine if it is not in it."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self.engine.agroup_discard(group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        """Send a message to every member of a group; full ones miss it."""
        self.require_valid_group_name(group)
        await self.engine.asend_group(group, _checked(message))

    # -- the rest -------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Remove every message and group of this layer."""
        flush = getattr(self.engine, "aflush", None)
        if flush is None:
            self.engine.flush()
        else:
            await flush()

    async def close(self) -> None:
        """Close the connections of this event loop; they are opened again when needed."""
        await self.engine.aclose()

    def __getattr__(self, name: str) -> Any:
        """What else the layer of ours has."""
        if name.startswith("_") or name in ("engine", "wrapper"):
            raise AttributeError(name)
        return getattr(self.engine, name)


class _Process:
    """The channels of this process."""

    def __init__(self, engine: Engine, get_capacity: Any) -> None:
        self.pid = os.getpid()
        self.id = random_suffix()
        self._engine, self._get_capacity = engine, get_capacity
        self._mailboxes: dict[str, Mailboxes] = {}

    def mailboxes_of(self, queue: str) -> Mailboxes:
        """Those of one queue: nearly always that of this process, whose channels begin alike."""
        boxes = self._mailboxes.get(queue)
        if boxes is None:
            boxes = self._mailboxes[queue] = self._make(queue)
        return boxes

    def _make(self, queue: str) -> Mailboxes:
        async def take() -> tuple[str, Message]:
            channel, message = await self._engine.areceive([queue], block=True)
            return channel or queue, message or {}

        def on_drop(local: str, reason: str) -> None:
            self._engine.drops.warn(
                queue, reason, 1, "a message for %s%s was dropped: it is %s", queue, local, reason
            )

        expiry_s = self._engine.get_expiry(queue)
        return Mailboxes(take, self._get_capacity(queue_name(queue)), expiry_s, on_drop)


def _checked(message: Any) -> Message:
    if not isinstance(message, dict):
        raise InvalidMessage(f"message is not a dict: got {type(message).__name__} {message!r}")
    return message
