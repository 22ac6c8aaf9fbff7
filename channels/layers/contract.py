"""What a layer gives to worker threads, a Reader, and to interface servers, a ServerLink."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from channels.exceptions import LayerUnavailable, PrefixTaken
from channels.layers.names import reply_channel_name
from channels.layers.operations import Delivery, Operation, Turn
from channels.messages import Content, WebsocketReceive

#: What was received: its channel and the message, or None and None.
Received: TypeAlias = tuple[str, Content] | tuple[None, None]
#: What one of the operations given to `apply` came to: see there.
Result: TypeAlias = Any
#: What an interface server is called with for each reply: the clients it goes to, and the message.
OnReply: TypeAlias = Callable[[Sequence[str], Content], None]
#: What is told of the fate of a message: None if it was sent, or why not.
OnSent: TypeAlias = Callable[[BaseException | None], None]
#: Returns a session that was asked for ahead; None if the layer has to be asked after all.
ForeseenSession: TypeAlias = Callable[[], dict[str, Any] | None]


class Reader:
    """One worker thread's way to its messages."""

    def take(
        self, operations: Sequence[Operation] = (), block_s: float = 0.0
    ) -> tuple[list[Result], Delivery | None]:
        """Carry out `operations`, and fetch the next message in the same round trip.

        Waits up to `block_s` seconds for one, but not at all if a result is a Delivery or a
        refusal, which is work enough. Returns (results of the operations, Delivery or None). Raises
        LayerUnavailable, after which `take` may simply be called again: `operations` whose fate is
        unknown are not repeated.
        """
        raise NotImplementedError

    def foresee_session(self, reply_channel: str) -> ForeseenSession | None:
        """The session of the message just taken will be wanted: ask for it already, and return what
        gives it, once, in this thread and before the next `take`; None if that gains nothing.

        Only for messages that are not ordered: what an ordered one finds there is decided when its
        turn begins. Never raises: who asks for the session in earnest is told what is wrong.
        """
        return None

    def begin_ordered(self, delivery: Delivery, reply_channel: str, order: int, owner: str) -> Turn:
        """As the layer's, for a delivery of this reader, which may know the answer without asking.
        Only called on what a Delivery names as its `reader`."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """From any thread: a `take` that waits returns soon, and no message is lost by it. A `take`
        that has not begun to wait yet may miss it, so call it until the thread has noticed."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the reader's connections."""


class ServerLink:
    """What an interface server process holds of the layer: its reply queues and its sockets.

    `on_reply(clients, message)` is called in the event loop for each message, with the local parts
    of the reply channels it goes to: one for a send, many for a group send. `on_lost()` is called
    when the layer has forgotten this server (it came back empty, or took the server for dead): the
    sockets must then be closed with 1012, so that the clients come back and join their groups
    again; by then the link has a new `server_id`.

    Clients are named by the server with short ids, unique over the life of the process.
    """

    server_id: str
    #: The PrefixTaken for which this server serves nobody just now, or None.
    refusal: PrefixTaken | None = None

    def reply_channel(self, kind: str, client: str) -> str:
        """Return the reply channel of a client; `kind` is "http.response" or "websocket.send"."""
        return reply_channel_name(kind, self.server_id, client)

    async def start(self) -> None:
        """Begin to read replies and to show that the server lives. Returns at once even if the
        layer is away; it connects in the background."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop reading, and take the server out of the registry."""
        raise NotImplementedError

    @property
    def is_available(self) -> bool:
        """False while the layer can't be reached: sends fail at once with LayerUnavailable."""
        raise NotImplementedError

    async def send(self, channel: str, message: Content) -> None:
        """Send; raises as `BaseChannelLayer.send` does."""
        raise NotImplementedError

    def post(self, channel: str, message: Content, done: OnSent) -> None:
        """Send without being waited for: `done` is called in the event loop with None, or with what
        `send` would have raised; that may be before this returns. What is posted to one channel
        keeps its order."""
        sending = asyncio.ensure_future(self.send(channel, message))
        sending.add_done_callback(lambda sent: done(_error_of(sent)))

    def send_frame(self, message: WebsocketReceive) -> asyncio.Future[None]:
        """Send a `websocket.receive`: returns a future, which is done when the layer has taken it.

        A frame takes effect once: as long as it is not known whether it did, the future waits, and
        the link sends it again under a number that the layer knows it by. So what the future fails
        with has not been taken: ChannelFull or LayerUnavailable (send it again, later),
        InvalidMessage or MessageTooLarge. A layer that can't know fails with a LayerUnavailable
        whose `was_sent` is True: such a frame must not be sent again.
        """
        return asyncio.ensure_future(self.send("websocket.receive", cast(Content, message)))

    async def open_socket(self, client: str, message: Content) -> None:
        """Record the socket and send its `websocket.connect`, both or neither."""
        raise NotImplementedError

    def note_accepted(self, client: str) -> None:
        """The handshake of a socket has been answered: it is open."""

    async def close_socket(
        self, client: str, message: Content, channel: str = "websocket.disconnect"
    ) -> None:
        """Send the socket's `websocket.disconnect` on `channel`, and forget the socket (groups,
        record).

        Waits, while the channel is full or the layer away, for as long as the server lives.
        """
        raise NotImplementedError

    async def worker_ages_s(self) -> dict[str, float] | None:
        """Return how many seconds ago each worker has given its last sign of life, by its id; those
        who have given none for long are not in it. None if the layer does not know.

        Raises LayerUnavailable.
        """
        return None

    def hold(self, client: str) -> None:
        """Tell senders to wait: this client has more to read than it can take (HTTP streams)."""
        raise NotImplementedError

    def resume(self, client: str) -> None:
        """Undo `hold`."""
        raise NotImplementedError

    def mark_gone(self, client: str) -> None:
        """Tell senders to give up: this client has left in the middle of its response. It leaves
        its groups, and joins no other."""
        raise NotImplementedError


def _error_of(sent: asyncio.Future[None]) -> BaseException | None:
    return LayerUnavailable("the link stops") if sent.cancelled() else sent.exception()
