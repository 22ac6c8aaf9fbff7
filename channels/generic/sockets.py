"""Consumers for one WebSocket each: plain frames, and JSON."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from asgiref.sync import sync_to_async

from channels.auth import channel_and_http_session_user_from_http, channel_session_user_from_http
from channels.channel import Group
from channels.consuming import strict_json
from channels.exceptions import InvalidFrame, SendNotAvailableOnDemultiplexer
from channels.generic.base import BaseConsumer, runs_in_loop
from channels.messages import CloseCode
from channels.sessions import enforce_ordering

if TYPE_CHECKING:
    from channels.channel import Channel
    from channels.consuming.decorators import Decorator
    from channels.message import Message
    from channels.messages import Content


def ordering_problem(demultiplexer: str, stream: str) -> str:
    """Say why a stream can't be ordered by itself, and what to do."""
    return (
        f"{stream} sets strict_ordering, or wears enforce_ordering, and is a stream of "
        f"{demultiplexer}: all streams share the order of their one socket, so set "
        f"strict_ordering = True on {demultiplexer}, and remove it from {stream}"
    )


def _make_frame(text: str | None, bytes: bytes | None, close: bool | int) -> Content:
    if text is not None and bytes is not None:
        raise ValueError("a WebSocket frame is either text or bytes: pass one of the two")
    if text is None and bytes is None:
        raise ValueError("You must pass text or bytes")
    frame: Content = {"close": close} if close else {}
    return {**frame, "bytes": bytes} if text is None else {**frame, "text": text}


async def _join_after(
    connected: Awaitable[Any], groups: Iterable[Group], reply_channel: Channel
) -> Any:
    outcome = await connected
    await sync_to_async(_join)(groups, reply_channel)
    return outcome


def _join(groups: Iterable[Group], reply_channel: Channel) -> None:
    try:
        for group in groups:
            group.add(reply_channel)
    except Exception:
        # It may have been accepted; without its groups it would stay open and hear of nothing.
        reply_channel.send({"close": CloseCode.INTERNAL_ERROR})
        raise


class WebsocketConsumer(BaseConsumer):
    """One WebSocket: `connect`, `receive` and `disconnect` are yours to define.

    Each may be an `async def`.
    """

    #: You should not need to change this.
    method_mapping: Mapping[str, str] = {
        "websocket.connect": "raw_connect",
        "websocket.receive": "raw_receive",
        "websocket.disconnect": "raw_disconnect",
    }
    #: Take the user from the HTTP session at connect; implies channel_session_user.
    http_user: bool = False
    #: The same, and `message.http_session` for every message of the socket.
    http_user_and_session: bool = False
    #: Each message of a socket runs after the one before it has ended.
    strict_ordering: bool = False
    #: Names of the groups that a socket joins; None for none. See also connection_groups().
    groups: Sequence[str] | None = None

    #: The path of the socket.
    path: str | None

    _hooks: ClassVar[tuple[str, ...]] = ("connect", "receive", "disconnect")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if getattr(cls, "slight_ordering", False):
            raise ValueError(
                f"{cls.__qualname__} sets slight_ordering, and `connect` always ends before "
                "`receive` starts: remove slight_ordering"
            )

    def get_handler(self, message: Message, /, **kwargs: Any) -> Callable[..., Any]:
        """Return the handler of the message, in the decorators the class asks for."""
        self.path = message.get("path")
        return super().get_handler(message, **kwargs)

    def _decorators(self) -> tuple[Decorator, ...]:
        if self.http_user or self.http_user_and_session:
            self.channel_session_user = True
        decorators = super()._decorators()
        if self.http_user_and_session:
            decorators += (channel_and_http_session_user_from_http,)
        elif self.http_user:
            decorators += (channel_session_user_from_http,)
        if self.strict_ordering:
            if self._is_behind_demultiplexer:
                raise ValueError(ordering_problem("its demultiplexer", type(self).__qualname__))
            decorators += (enforce_ordering,)
        return decorators

    @property
    def _is_behind_demultiplexer(self) -> bool:
        return "multiplexer" in self.kwargs

    if TYPE_CHECKING:  # a subclass takes what it needs
        connection_groups: Callable[..., Iterable[str]]
    else:

        def connection_groups(self, **kwargs: Any) -> Iterable[str]:
            """Return the names of the groups to join at connect, and leave at disconnect."""
            return self.groups or []

    def _connection_groups(self, message: Message, kwargs: dict[str, Any]) -> list[Group]:
        names = self.connection_groups(**kwargs)
        if isinstance(names, (str, bytes)):
            raise TypeError(
                f"{type(self).__qualname__}: connection_groups() must return a list of names, "
                f"got the string {names!r}: wrap it in a list"
            )
        return [Group(name, channel_layer=message.channel_layer) for name in names]

    def raw_connect(self, message: Message, **kwargs: Any) -> Any:
        """Called when a socket opens: calls connect(), then joins the groups.

        Before that a message to a group would open a socket that connect() is about to refuse.
        """
        groups = self._connection_groups(message, kwargs)
        outcome = self.connect(message, **kwargs)
        if self.is_async and inspect.isawaitable(outcome):
            return _join_after(outcome, groups, message.reply_channel)
        _join(groups, message.reply_channel)
        return outcome

    if TYPE_CHECKING:  # a subclass takes what it needs
        connect: Callable[..., Any]
    else:

        def connect(self, message: Message, **kwargs: Any) -> Any:
            """Called when a socket opens; accepts it, unless you define it otherwise."""
            if not self._is_behind_demultiplexer:
                message.reply_channel.send({"accept": True})

    @runs_in_loop
    def raw_receive(self, message: Message, **kwargs: Any) -> Any:
        """Called with each frame: hands it to receive()."""
        if message.get("text") is not None:
            return self.call_hook(self.receive, text=message["text"], **kwargs)
        return self.call_hook(self.receive, bytes=message["bytes"], **kwargs)

    if TYPE_CHECKING:  # a subclass takes what it needs
        receive: Callable[..., Any]
    else:

        def receive(
            self, text: str | None = None, bytes: bytes | None = None, **kwargs: Any
        ) -> Any:
            """Called with each frame, as `text` (str) or as `bytes`."""

    def send(
        self, text: str | None = None, bytes: bytes | None = None, close: bool | int = False
    ) -> None:
        """Send a frame to this socket.

        Args:
            text: a str; or
            bytes: bytes.
            close: True (1000) or a close code, to close the socket after the frame.
        """
        self._refuse_behind_demultiplexer()
        self.message.reply_channel.send(_make_frame(text, bytes, close))

    def _refuse_behind_demultiplexer(self) -> None:
        if self._is_behind_demultiplexer:
            raise SendNotAvailableOnDemultiplexer(
                f"{type(self).__qualname__} is a stream of a demultiplexer, and self.send() would "
                "send outside of the stream: use send() of the `multiplexer` argument instead"
            )

    @classmethod
    def group_send(
        cls,
        name: str,
        text: str | None = None,
        bytes: bytes | None = None,
        close: bool | int = False,
    ) -> None:
        """Send a frame to every socket of group `name`; the arguments are those of send()."""
        Group(name).send(_make_frame(text, bytes, close))

    def close(self, status: bool | int = True) -> None:
        """Close the socket; `status` is True (1000) or the close code."""
        self.message.reply_channel.send({"close": status})

    def raw_disconnect(self, message: Message, **kwargs: Any) -> Any:
        """Called when the socket has closed: leaves the groups, then calls disconnect()."""
        for group in self._connection_groups(message, kwargs):
            group.discard(message.reply_channel)
        return self.disconnect(message, **kwargs)

    if TYPE_CHECKING:  # a subclass takes what it needs
        disconnect: Callable[..., Any]
    else:

        def disconnect(self, message: Message, **kwargs: Any) -> Any:
            """Called when the socket has closed; `message["code"]` says how."""


class JsonWebsocketConsumer(WebsocketConsumer):
    """A WebSocket whose frames are JSON: receive() gets, and send() takes, what JSON can hold.

    A binary frame closes the socket with 1003, one that is not JSON with 1007.
    """

    @runs_in_loop
    def raw_receive(self, message: Message, **kwargs: Any) -> Any:
        """Called with each frame: decodes it and hands it to receive()."""
        return self.call_hook(self.receive, self._decode(message), **kwargs)

    def _decode(self, message: Message) -> Any:
        if message.get("text") is None:
            raise InvalidFrame(
                CloseCode.UNSUPPORTED_DATA,
                f"{type(self).__qualname__} takes text frames, got a binary one",
            )
        try:
            return self.decode_json(message["text"])
        except (ValueError, RecursionError) as error:
            raise InvalidFrame(
                CloseCode.INVALID_PAYLOAD, f"{type(self).__qualname__} takes JSON: {error}"
            ) from error

    def receive(self, content: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Called with the decoded content of each frame."""

    def send(self, content: Any, close: bool | int = False) -> None:  # type: ignore[override]
        """Send `content` as JSON; `close` is as for WebsocketConsumer.send."""
        super().send(text=self.encode_json(content), close=close)

    @classmethod
    def decode_json(cls, text: str) -> Any:
        """Return what `text` holds; raises ValueError if it is not JSON."""
        return strict_json.loads(text)

    @classmethod
    def encode_json(cls, content: Any) -> str:
        """Return `content` as JSON text."""
        return strict_json.dumps(content)

    @classmethod
    def group_send(  # type: ignore[override]
        cls, name: str, content: Any, close: bool | int = False
    ) -> None:
        """Send `content` as JSON to every socket of group `name`."""
        WebsocketConsumer.group_send(name, cls.encode_json(content), close=close)
