"""`AwaitedLayer`: a layer of ours with the verbs that Channels 2 and later have."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Sequence
from typing import Any, ClassVar

from channels.exceptions import ClientGone, InvalidMessage, LayerUnavailable
from channels.layers.awaited.contract import BaseChannelLayer
from channels.layers.awaited.own_channels import OwnChannels
from channels.layers.base import BaseChannelLayer as Engine
from channels.layers.names import SPECIFIC, random_suffix, split_local
from channels.messages import Content

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

    def __init__(self, engine: Engine, wrapper: Any = None) -> None:
        super().__init__(
            expiry=engine.expiry,
            capacity=engine.capacity,
            channel_capacity=engine.channel_capacity,
        )
        self.channel_capacity = self.compile_capacities(engine.channel_capacity)
        self.engine, self.wrapper = engine, wrapper
        self.group_expiry = engine.group_expiry
        self._own: OwnChannels | None = None
        self._closers: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[None, None]
        ] = weakref.WeakKeyDictionary()

    # -- channels -------------------------------------------------------------------------------

    async def send(self, channel: str, message: Content) -> None:
        """Put a message on a channel, of this process or of any other, or of a worker.

        Raises ChannelFull, MessageTooLarge, TypeError for what is no channel name or can't be
        sent, LayerUnavailable. A message to a client that has gone is dropped.
        """
        self.require_valid_channel_name(channel)
        await self._attend()
        with contextlib.suppress(ClientGone):  # as for any channel that nobody reads any more
            await self.engine.asend(channel, _checked(message))

    async def receive(self, channel: str) -> Content:
        """Wait for the next message on a channel, and return it. Cancelling it loses none."""
        self.require_valid_channel_name(channel)
        await self._attend()
        queue, local = split_local(channel)
        if "!" in channel:
            return await self._here().receive(queue, local)
        _, message = await self.engine.areceive([channel], block=True)
        return message or {}

    async def new_channel(self, prefix: str = SPECIFIC) -> str:
        """Return the name of a new channel of this process, such as "specific.x7Qd…!k2hP…"."""
        await self._attend()
        queue = await self._here().enter(prefix)
        return queue + random_suffix(LOCAL_LENGTH)

    def _here(self) -> OwnChannels:
        """The channels of this process: a forked one has others."""
        own = self._own
        if own is None or own.pid != os.getpid():
            own = self._own = OwnChannels(self.engine)
        return own

    # -- groups ---------------------------------------------------------------------------------

    async def group_add(self, group: str, channel: str) -> None:
        """Make a channel a member of a group."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self._attend()
        await self.engine.agroup_add(group, channel)
        self._here().note_joined(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group; fine if it is not in it."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self._attend()
        self._here().note_left(group, channel)
        await self.engine.agroup_discard(group, channel)

    async def group_send(self, group: str, message: Content) -> None:
        """Send a message to every member of a group; full ones miss it."""
        self.require_valid_group_name(group)
        await self._attend()
        await self.engine.asend_group(group, _checked(message))

    async def forget_channel(self, channel: str) -> None:
        """A channel of this process is done with: it leaves the groups that it is still in.

        Class consumers call it when they end, however they do. Never raises LayerUnavailable: if
        the layer is away then, the memberships end with the process.
        """
        own = self._here()
        own.forget(channel)
        for group in own.groups_of(channel):
            with contextlib.suppress(LayerUnavailable):
                await self.group_discard(group, channel)

    # -- event loops ------------------------------------------------------------------------------

    async def _attend(self) -> None:
        """Close what is open in this event loop when it ends: each `async_to_sync()` of a shell has
        one of its own. An event loop closes the generators that are under way in it."""
        loop = asyncio.get_running_loop()
        if loop not in self._closers:
            closer = self._closers[loop] = self._close_at_the_end()
            await anext(closer)

    async def _close_at_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self.engine.aclose()

    # -- the rest -------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Remove every message and group of this layer."""
        await self._attend()
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


def _checked(message: object) -> Content:
    if not isinstance(message, dict):
        raise InvalidMessage(f"message is not a dict: got {type(message).__name__} {message!r}")
    return message
