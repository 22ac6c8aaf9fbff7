"""Every error that Channels Classic raises, in one tree below `ChannelsError`.

The names up to `SendNotAvailableOnDemultiplexer` are those of Channels 1.x.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from channels.messages import APPLICATION_CODES, CloseCode

if TYPE_CHECKING:
    from channels.message import Message

logger = logging.getLogger("django.channels")


class ChannelsError(Exception):
    """The root of the tree: catch it to catch them all."""


class ConsumeLater(ChannelsError):
    """Raised by a consumer that can't run yet: its message goes back to the channel for a while."""


class ResponseLater(ChannelsError):
    """Raised by a view that has handed its response to another consumer."""


class RequestAborted(ChannelsError):
    """Raised while a request body is read, if the client has gone away."""


class RequestTimeout(RequestAborted):
    """Raised while a request body is read, if the client takes too long to send it."""


class RequestBodyExpired(ChannelsError):
    """Raised while a request body is read, if parts of it have expired: the view took too long.

    Its client is still there, and is to be answered.
    """


class DenyConnection(ChannelsError):
    """Raised while a socket connects, by a consumer of any generation, to refuse it (the client
    sees 403)."""


class AcceptConnection(ChannelsError):
    """Raised in `connect()` of a class consumer to accept the socket, as `accept()` does."""


class StopConsumer(ChannelsError):
    """Raised by a handler of a class consumer whose connection is done with: the instance ends."""


class ChannelSocketException(ChannelsError):
    """Base of the exceptions that act on the socket of the message: `run(message)` is called."""

    def run(self, message: Message) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define run(message)")


class WebsocketCloseException(ChannelSocketException):
    """Raised by a consumer to close its socket.

    `code` is None (which sends 1000), 1000, or 3000-4999: those that RFC 6455, section 7.4, leaves
    to applications. Raises ValueError for any other.
    """

    def __init__(self, code: int | None = None) -> None:
        if code is not None and code != CloseCode.NORMAL and code not in APPLICATION_CODES:
            raise ValueError(f"invalid close code {code!r}: use 1000, or one from 3000 to 4999")
        super().__init__(code)
        self.code = code

    def run(self, message: Message) -> None:
        if message.reply_channel is None or not message.reply_channel.name.startswith("websocket."):
            raise ValueError(
                f"WebsocketCloseException raised for a message on {message.channel.name!r}, "
                "which has no WebSocket to close"
            )
        message.reply_channel.send({"close": self.code or True})


class InvalidFrame(ChannelSocketException, ValueError):
    """A client sent what a generic consumer or binding can't take: its socket is closed with
    `code`.

    Channels 1.x raised ValueError, and left the socket open.
    """

    def __init__(self, code: int, problem: str) -> None:
        super().__init__(code, problem)
        self.code, self.problem = code, problem

    def __str__(self) -> str:
        return self.problem

    def run(self, message: Message) -> None:
        logger.warning(
            "%s; closing socket %s with %d", self.problem, message.reply_channel, self.code
        )
        if message.reply_channel is not None:
            message.reply_channel.send({"close": self.code})


class SendNotAvailableOnDemultiplexer(ChannelsError):
    """Raised by `WebsocketDemultiplexer.send`: send through the stream's multiplexer instead."""


class InvalidChannelLayerError(ChannelsError, ValueError):
    """CHANNEL_LAYERS names a layer that is not there, or describes one that can't be made."""


class PrefixTaken(InvalidChannelLayerError):
    """Processes that this one can't share a channel layer with live under the same `prefix`."""

    def __init__(self, prefix: str, who: str, trouble: str) -> None:
        super().__init__(
            f"the prefix {prefix!r} is in use on this Redis, by {who}: it {trouble}. Set another "
            "`prefix` in the CONFIG of one of them, in CHANNEL_LAYERS; or stop those that are left "
            "of an old version first"
        )
        self.prefix, self.who, self.trouble = prefix, who, trouble

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.prefix, self.who, self.trouble)


class InvalidName(ChannelsError, TypeError):
    """A channel or group name that breaks the rules of `channels.layers.names`."""


class InvalidMessage(ChannelsError, TypeError, ValueError):
    """A message that is not a dict, or holds what can't be packed."""


class MessageTooLarge(ChannelsError):
    """A packed message is larger than a layer carries (`size` and `limit` in bytes).

    Layers of others, made for Channels 2 and later, raise it with a text, or with nothing.
    """

    def __init__(
        self, channel: str = "", size: int | None = None, limit: int | None = None
    ) -> None:
        super().__init__(
            f"a message of {size} bytes for {channel!r} is larger than the {limit} bytes that fit: "
            "send it in parts, or store it and send where it is"
            if size is not None
            else channel
        )
        self.channel, self.size, self.limit = channel, size, limit

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.channel, self.size, self.limit)


class ChannelFull(ChannelsError):
    """A channel holds as many messages as its capacity allows; this one was not sent.

    Layers of others, made for Channels 2 and later, raise it with a text, or with nothing.
    """

    def __init__(
        self, channel: str = "", length: int | None = None, capacity: int | None = None
    ) -> None:
        super().__init__(
            f"channel {channel!r} is full ({length} of {capacity} waiting): "
            "add workers, or raise its capacity in CHANNEL_LAYERS"
            if length is not None
            else channel
        )
        self.channel, self.length, self.capacity = channel, length, capacity

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.channel, self.length, self.capacity)


class ClientBusy(ChannelFull):
    """The client behind a reply channel reads more slowly than it is sent to; this was not sent."""

    def __str__(self) -> str:
        return f"the client of {self.channel!r} has more to read than it takes"


class HeldBack(ChannelFull):
    """A message was not sent, as one that its consumer sent to the same channel before it was
    refused, and must not be overtaken."""

    def __str__(self) -> str:
        return f"what was sent to {self.channel!r} before it was refused"


class ClientGone(ChannelsError):
    """The client behind a reply channel, or its interface server, is no longer there."""

    def __init__(self, channel: str) -> None:
        super().__init__(f"nobody reads {channel!r} any more: the client or its server has gone")
        self.channel = channel

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.channel,)


class LayerUnavailable(ChannelsError, ConnectionError):
    """The channel layer can't be reached just now; the layer goes on trying to reconnect.

    `was_sent` is False if what was to be done was certainly not done, True if nobody can know.
    """

    def __init__(self, text: str, *, was_sent: bool = True) -> None:
        super().__init__(text)
        self.was_sent = was_sent


class LayerRefused(InvalidChannelLayerError, LayerUnavailable):
    """The channel layer refuses this process for what its settings say: no waiting mends that."""

    def __init__(self, text: str, *, was_sent: bool = False) -> None:
        LayerUnavailable.__init__(self, text, was_sent=was_sent)
