"""`Channel` and `Group`: how consumers, views and scripts send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from channels.consuming.pending import pending_message_store
from channels.exceptions import InvalidMessage

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.operations import Operation
    from channels.messages import Content

#: The alias in CHANNEL_LAYERS that is used when none is named.
DEFAULT_CHANNEL_LAYER = "default"


class _Addressee:
    """What Channel and Group share: a name in a layer, and sends that wait for their time."""

    name: str
    channel_layer: BaseChannelLayer

    def __init__(
        self,
        name: str | bytes,
        alias: str = DEFAULT_CHANNEL_LAYER,
        channel_layer: BaseChannelLayer | None = None,
    ) -> None:
        self.name = name.decode("ascii") if isinstance(name, bytes) else name
        if channel_layer is None:
            from channels.asgi import channel_layers

            channel_layer = channel_layers[alias]
        self.channel_layer = channel_layer

    def _keep(self, operation: Operation, immediately: bool) -> bool:
        """Keep a send until the consumer that runs here ends; False if it is to go out at once."""
        if immediately or not pending_message_store.active:
            return False
        pending_message_store.append(self.channel_layer, operation)
        return True

    def _post(self, operation: Operation, immediately: bool) -> None:
        if self._keep(operation, immediately):
            return
        (result,) = self.channel_layer.apply([operation])
        if isinstance(result, Exception):
            raise result

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.name == getattr(other, "name", None)

    def __hash__(self) -> int:
        return hash((type(self), self.name))


def _check_content(content: object) -> None:
    if not isinstance(content, dict):
        raise InvalidMessage(
            f"a message must be a dict, got {type(content).__name__}: wrap it, "
            f'as in {{"text": ...}}'
        )


class Channel(_Addressee):
    """A channel to send to.

    Args:
        name: the channel's name.
        alias: the layer, by its alias in CHANNEL_LAYERS.
        channel_layer: the layer itself, instead of its alias.
    """

    def send(
        self, content: Mapping[str, Any], immediately: bool = False, delay_s: float = 0.0
    ) -> None:
        """Send `content`, a dict.

        Inside a consumer it goes out when the consumer ends, with all else that it sent, in order;
        with `immediately`, and outside of consumers, at once. `delay_s`: seconds until it can be
        received. Raises InvalidMessage, InvalidName, MessageTooLarge; ChannelFull only if at once.
        """
        _check_content(content)
        operation = self.channel_layer.prepare_send(self.name, content, delay_s)
        self._post(operation, immediately)
        pending_message_store.note_sent(self.name, content)

    async def asend(
        self, content: Mapping[str, Any], immediately: bool = False, delay_s: float = 0.0
    ) -> None:
        """`send`, as a coroutine: an `async def` consumer that sends at once blocks nobody."""
        _check_content(content)
        operation = self.channel_layer.prepare_send(self.name, content, delay_s)
        if not self._keep(operation, immediately):
            await self.channel_layer.asend(self.name, cast("Content", content), delay_s)
        pending_message_store.note_sent(self.name, content)

    def leave_groups(self) -> list[str]:
        """Take this channel out of every group that it is in; return the list of their names."""
        return self.channel_layer.group_discard_all(self.name)


class Group(_Addressee):
    """A set of channels that can be sent to at once.

    The arguments are those of Channel.
    """

    def add(self, channel: Channel | str) -> None:
        """Make a channel (a Channel, or its name) a member; renews the membership if it is one.

        A client who has left can't become a member: then it does nothing.
        """
        self.channel_layer.group_add(self.name, _name_of(channel))

    def discard(self, channel: Channel | str) -> None:
        """Take a channel (a Channel, or its name) out; fine if it is not a member."""
        self.channel_layer.group_discard(self.name, _name_of(channel))

    def channels(self) -> list[str]:
        """Return the names of the members, as a list."""
        return self.channel_layer.group_channels(self.name)

    def __len__(self) -> int:
        return len(self.channels())

    def __bool__(self) -> bool:
        return True

    def send(self, content: Mapping[str, Any], immediately: bool = False) -> None:
        """Send `content`, a dict, to every member; when it goes out is as for `Channel.send`."""
        _check_content(content)
        self._post(self.channel_layer.prepare_send_group(self.name, content), immediately)

    async def aadd(self, channel: Channel | str) -> None:
        """`add`, as a coroutine."""
        await self.channel_layer.agroup_add(self.name, _name_of(channel))

    async def adiscard(self, channel: Channel | str) -> None:
        """`discard`, as a coroutine."""
        await self.channel_layer.agroup_discard(self.name, _name_of(channel))

    async def achannels(self) -> list[str]:
        """`channels`, as a coroutine."""
        return await self.channel_layer.agroup_channels(self.name)

    async def asend(self, content: Mapping[str, Any], immediately: bool = False) -> None:
        """`send`, as a coroutine."""
        _check_content(content)
        operation = self.channel_layer.prepare_send_group(self.name, content)
        if not self._keep(operation, immediately):
            await self.channel_layer.asend_group(self.name, cast("Content", content))


def _name_of(channel: Channel | str) -> str:
    return channel.name if isinstance(channel, Channel) else channel
