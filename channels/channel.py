"""`Channel` and `Group`: how consumers, views and scripts send; and where what a consumer sends
waits until it ends."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from channels.exceptions import InvalidMessage
from channels.messages import SOCKET_KEYS

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.operations import Operation
    from channels.messages import Content

#: The alias in CHANNEL_LAYERS that is used when none is named.
DEFAULT_CHANNEL_LAYER = "default"


#: An operation, and the layer that is to carry it out.
KeptEntry: TypeAlias = tuple["BaseChannelLayer", "Operation"]

#: What the reply channels of sockets begin with. `import channels` does not load a layer's names.
_SOCKETS = "websocket.send."

#: A channel, and the keys of what was sent there.
SentKeys: TypeAlias = tuple[str, frozenset[str]]


class PendingMessageStore:
    """Holds what a consumer sends until it ends; the worker then sends it, in order.

    Also knows which channels the consumer has sent to, at once or for later: who answers for one
    that has failed asks for it.

    Held per context, not per thread: an `async def` consumer and what it awaits share their store.
    """

    def __init__(self) -> None:
        self._entries: contextvars.ContextVar[list[KeptEntry] | None] = contextvars.ContextVar(
            "channels_pending", default=None
        )
        self._last_sent: contextvars.ContextVar[dict[str, bool]] = contextvars.ContextVar(
            "channels_last_sent"
        )
        self._unknown: contextvars.ContextVar[tuple[SentKeys, ...]] = contextvars.ContextVar(
            "channels_unknown", default=()
        )

    @property
    def active(self) -> bool:
        """Whether a consumer is running here, so that sends are to be kept."""
        return self._entries.get() is not None

    def prepare(self, **kwargs: Any) -> None:
        """Start keeping what is sent."""
        self._entries.set([])
        self._last_sent.set({})

    def append(self, layer: BaseChannelLayer, operation: Operation) -> None:
        """Keep one operation for `layer` (from `layer.prepare_send` and its kin)."""
        entries = self._entries.get()
        if entries is None:
            raise _nothing_is_kept()
        entries.append((layer, operation))

    def prepend(self, layer: BaseChannelLayer, operation: Operation) -> None:
        """Keep one operation that has to be done before all that is kept so far."""
        entries = self._entries.get()
        if entries is None:
            raise _nothing_is_kept()
        entries.insert(0, (layer, operation))

    def note_sent(self, channel: str, content: Mapping[str, Any]) -> None:
        """Note that the consumer that runs here, if one does, has sent `content` on `channel`."""
        if self._entries.get() is not None:
            more = content.get("more_content") and not content.get("closed")
            self._last_sent.get()[channel] = bool(more)
            if SOCKET_KEYS.isdisjoint(content) and channel.startswith(_SOCKETS):
                self._note_unknown(channel, content)

    def _note_unknown(self, channel: str, content: Mapping[str, Any]) -> None:
        if "type" not in content:  # that is for class consumers
            sent = (channel, frozenset(map(str, content)))
            self._unknown.set((*self._unknown.get(), sent))

    def is_unfinished(self, channel: str) -> bool | None:
        """Whether the last thing sent on `channel` said that more follows; None: nothing was sent.

        It is about the consumer that runs here; once it has ended, until the next one begins.
        """
        return self._last_sent.get({}).get(channel)

    def has_sent(self) -> bool:
        """Whether the consumer that runs here, or ran here last, has sent to any channel."""
        return bool(self._last_sent.get({}))

    def unknown(self) -> tuple[SentKeys, ...]:
        """What the consumer that runs here has sent to sockets with no key that a socket knows."""
        return self._unknown.get()

    def take(self) -> list[KeptEntry]:
        """Stop keeping; return what was kept, as a list of (layer, operation)."""
        entries = self._entries.get()
        self._entries.set(None)
        return entries or []

    def send_and_flush(self, **kwargs: Any) -> None:
        """Stop keeping, and send what was kept; after all were tried, raise the first refusal."""
        refusals: list[Exception] = []
        for layer, operation in self.take():
            refusals += [r for r in layer.apply([operation]) if isinstance(r, Exception)]
        if refusals:
            raise refusals[0]


def _nothing_is_kept() -> RuntimeError:
    return RuntimeError("nothing is kept here: no consumer runs; call prepare() first")


pending_message_store = PendingMessageStore()


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
