"""Hands messages from reply channels to the exchange or the socket that each is for."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from channels.messages import SOCKET_KEYS
from channels.tracing import hooks as tracing
from interface_server.asgi import Message
from interface_server.bad_reply import BadReply, log_bad_reply
from interface_server.socket_reply import read_reply
from interface_server.unknown_keys import UnknownKeys

if TYPE_CHECKING:
    from interface_server.owners.table import Owners
    from interface_server.reply_queue import ReplyQueue
    from interface_server.websocket import Socket

logger = logging.getLogger("interface_server")


class Dispatcher:
    """The clients of this process by their ids.

    Attributes:
        exchanges: the ReplyQueues of HTTP requests, by client id.
        sockets: the Sockets, by client id.
        owners: who hosts the instances of sockets; messages with a `type` are theirs.
    """

    __slots__ = ("_unknown_keys", "exchanges", "owners", "received", "sockets")

    def __init__(self) -> None:
        self.exchanges: dict[str, ReplyQueue] = {}
        self.sockets: dict[str, Socket] = {}
        self.owners: Owners | None = None
        self._unknown_keys = UnknownKeys()
        #: Messages so far. Counted here: only this event loop does, so it needs no lock.
        self.received = 0

    def dispatch(self, clients: Sequence[str], message: Message) -> None:
        """Give `message` to each of `clients`; those that have gone meanwhile are passed over."""
        self.received += 1
        if tracing.tracer.is_on:
            tracing.tracer.deliver(message, len(clients))
        if self.owners is not None and "type" in message:
            self.owners.dispatch(clients, message)
            return
        sockets = []
        for client in clients:
            if (socket := self.sockets.get(client)) is not None:
                sockets.append(socket)
            elif (replies := self.exchanges.get(client)) is not None:
                replies.deliver(message)
        if sockets:
            self.deliver(sockets, message)

    def deliver(self, sockets: "list[Socket]", message: Message) -> None:
        """Give a message of functions to sockets."""
        try:
            reply = read_reply(message)
        except BadReply as error:
            log_bad_reply(error, sockets[0].reply_channel, "it was ignored")
            return
        if not SOCKET_KEYS & message.keys():
            self._unknown_keys.tell(message, sockets[0].reply_channel)
            return
        for socket in sockets:
            try:
                socket.deliver(reply)
            except Exception:  # one socket's trouble must not cost the others their message
                logger.exception("could not pass a message to %s", socket.reply_channel)
