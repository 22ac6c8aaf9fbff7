"""Class consumers of WebSockets, at their Channels 2 import path.

Those of 1.x are in `channels.generic.websockets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from channels.applications.shapes import Event
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.consuming import strict_json
from channels.db import aclose_old_connections
from channels.exceptions import (
    AcceptConnection,
    DenyConnection,
    InvalidChannelLayerError,
    StopConsumer,
)
from channels.instances.classic import frames_of
from channels.instances.connections import are_in_use
from channels.instances.frames import accept_event, close_event, frame_event

__all__ = [
    "AsyncJsonWebsocketConsumer",
    "AsyncWebsocketConsumer",
    "JsonWebsocketConsumer",
    "WebsocketConsumer",
]


class WebsocketConsumer(SyncConsumer):
    """A consumer of WebSockets whose methods are plain functions.

    Attributes:
        groups: names of groups that each socket is in, from before its `connect` on.
    """

    groups: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.groups is None:
            self.groups = []

    # -- what a subclass overrides --------------------------------------------------------------

    if TYPE_CHECKING:  # a subclass takes what it needs
        connect: Callable[..., Any]
    else:

        def connect(self) -> None:
            """Called for a handshake: `accept()` it, or `close()` to refuse it."""
            self.accept()

    if TYPE_CHECKING:  # a subclass takes what it needs
        receive: Callable[..., Any]
    else:

        def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            """Called for each frame: one of the two is there."""

    if TYPE_CHECKING:  # a subclass takes what it needs
        disconnect: Callable[..., Any]
    else:

        def disconnect(self, code: int) -> None:
            """Called when the socket is closed, by whichever side."""

    # -- what it calls --------------------------------------------------------------------------

    def accept(
        self,
        subprotocol: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] | None = None,
    ) -> None:
        """Accept the socket, with one of the client's subprotocols, and more headers."""
        super().send(accept_event(subprotocol, headers))

    def send(  # type: ignore[override]
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        close: bool | int = False,
    ) -> None:
        """Send a frame. `close`: close the socket after it; True, or the code."""
        super().send(frame_event(text_data, bytes_data))
        if close:
            self.close(close)

    def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Close the socket; before it is accepted, the client sees 403."""
        super().send(close_event(code, reason))

    # -- events ---------------------------------------------------------------------------------

    def websocket_connect(self, message: Event) -> None:
        """The handshake has come."""
        for group in self.groups:
            async_to_sync(_group_verb(self, "group_add"))(group, self.channel_name)
        try:
            self.connect()
        except AcceptConnection:
            self.accept()
        except DenyConnection:
            self.close()

    def websocket_receive(self, message: Event) -> None:
        """A frame has come."""
        if message.get("text") is not None:
            self.receive(text_data=message["text"])
        else:
            self.receive(bytes_data=message["bytes"])

    def websocket_disconnect(self, message: Event) -> None:
        """The socket is closed: it leaves its groups, and the instance ends."""
        for group in self.groups:
            async_to_sync(_group_verb(self, "group_discard"))(group, self.channel_name)
        self.disconnect(message["code"])
        raise StopConsumer()

    def websocket_send(self, message: Event) -> None:
        """A frame for the client has come over the channel layer: it goes on as it is."""
        super().send(message)

    def websocket_close(self, message: Event) -> None:
        """The order to close has come over the channel layer."""
        super().send(message)

    def channels_classic(self, message: Event) -> None:
        """A message to the client, as 1.x sends it, has come over the channel layer."""
        for event in frames_of(message):
            super().send(event)


class JsonWebsocketConsumer(WebsocketConsumer):
    """A WebsocketConsumer whose frames are JSON texts. A binary one is an error."""

    def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        if not text_data:
            raise ValueError(_NO_TEXT)
        self.receive_json(self.decode_json(text_data), **kwargs)

    if TYPE_CHECKING:  # a subclass takes what it needs
        receive_json: Callable[..., Any]
    else:

        def receive_json(self, content: Any, **kwargs: Any) -> None:
            """Called for each frame, with what its JSON says."""

    def send_json(self, content: Any, close: bool | int = False) -> None:
        """Send a frame with `content` as JSON. `close`: close the socket after it."""
        super().send(text_data=self.encode_json(content), close=close)

    @classmethod
    def decode_json(cls, text_data: str) -> Any:
        """What a text frame says."""
        return strict_json.loads(text_data)

    @classmethod
    def encode_json(cls, content: Any) -> str:
        """The text frame that says `content`."""
        return strict_json.dumps(content)


class AsyncWebsocketConsumer(AsyncConsumer):
    """A consumer of WebSockets whose methods are coroutines.

    Attributes:
        groups: names of groups that each socket is in, from before its `connect` on.
    """

    groups: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.groups is None:
            self.groups = []

    # -- what a subclass overrides --------------------------------------------------------------

    if TYPE_CHECKING:  # a subclass takes what it needs
        connect: Callable[..., Any]
    else:

        async def connect(self) -> None:
            """Called for a handshake: `accept()` it, or `close()` to refuse it."""
            await self.accept()

    if TYPE_CHECKING:  # a subclass takes what it needs
        receive: Callable[..., Any]
    else:

        async def receive(
            self, text_data: str | None = None, bytes_data: bytes | None = None
        ) -> None:
            """Called for each frame: one of the two is there."""

    if TYPE_CHECKING:  # a subclass takes what it needs
        disconnect: Callable[..., Any]
    else:

        async def disconnect(self, code: int) -> None:
            """Called when the socket is closed, by whichever side."""

    # -- what it calls --------------------------------------------------------------------------

    async def accept(
        self,
        subprotocol: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] | None = None,
    ) -> None:
        """Accept the socket, with one of the client's subprotocols, and more headers."""
        await super().send(accept_event(subprotocol, headers))

    async def send(  # type: ignore[override]
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        close: bool | int = False,
    ) -> None:
        """Send a frame. `close`: close the socket after it; True, or the code."""
        await super().send(frame_event(text_data, bytes_data))
        if close:
            await self.close(close)

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Close the socket; before it is accepted, the client sees 403."""
        await super().send(close_event(code, reason))

    # -- events ---------------------------------------------------------------------------------

    async def websocket_connect(self, message: Event) -> None:
        """The handshake has come."""
        for group in self.groups:
            await _group_verb(self, "group_add")(group, self.channel_name)
        try:
            await self.connect()
        except AcceptConnection:
            await self.accept()
        except DenyConnection:
            await self.close()

    async def websocket_receive(self, message: Event) -> None:
        """A frame has come."""
        if message.get("text") is not None:
            await self.receive(text_data=message["text"])
        else:
            await self.receive(bytes_data=message["bytes"])

    async def websocket_disconnect(self, message: Event) -> None:
        """The socket is closed: it leaves its groups, and the instance ends."""
        for group in self.groups:
            await _group_verb(self, "group_discard")(group, self.channel_name)
        await self.disconnect(message["code"])
        if are_in_use():
            await aclose_old_connections()
        raise StopConsumer()

    async def websocket_send(self, message: Event) -> None:
        """A frame for the client has come over the channel layer: it goes on as it is."""
        await super().send(message)

    async def websocket_close(self, message: Event) -> None:
        """The order to close has come over the channel layer."""
        await super().send(message)

    async def channels_classic(self, message: Event) -> None:
        """A message to the client, as 1.x sends it, has come over the channel layer."""
        for event in frames_of(message):
            await super().send(event)


class AsyncJsonWebsocketConsumer(AsyncWebsocketConsumer):
    """An AsyncWebsocketConsumer whose frames are JSON texts. A binary one is an error."""

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        if not text_data:
            raise ValueError(_NO_TEXT)
        await self.receive_json(await self.decode_json(text_data), **kwargs)

    if TYPE_CHECKING:  # a subclass takes what it needs
        receive_json: Callable[..., Any]
    else:

        async def receive_json(self, content: Any, **kwargs: Any) -> None:
            """Called for each frame, with what its JSON says."""

    async def send_json(self, content: Any, close: bool | int = False) -> None:
        """Send a frame with `content` as JSON. `close`: close the socket after it."""
        await super().send(text_data=await self.encode_json(content), close=close)

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        """What a text frame says."""
        return strict_json.loads(text_data)

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        """The text frame that says `content`."""
        return strict_json.dumps(content)


_NO_TEXT = (
    "No text section for incoming WebSocket frame! It is empty or binary; a JSON consumer takes "
    "text: for others, override receive()"
)


def _group_verb(consumer: AsyncConsumer, verb: str) -> Any:
    """A verb of the consumer's layer. Raises InvalidChannelLayerError if it has no groups."""
    found = getattr(consumer.channel_layer, verb, None)
    if found is None:
        raise InvalidChannelLayerError(
            f"BACKEND is unconfigured or doesn't support groups: {type(consumer).__qualname__} has "
            f"groups = {consumer.groups!r}, which needs {consumer.channel_layer_alias!r} in "  # type: ignore[attr-defined]
            "CHANNEL_LAYERS"
        )
    return found
