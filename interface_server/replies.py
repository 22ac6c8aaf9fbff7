"""Messages from reply channels: whom each is for, and what it asks of a socket.

Nothing here waits.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from channels.messages import SOCKET_KEYS, Content
from channels.startup.hints import explain_unknown
from channels.tracing import hooks as tracing
from interface_server.asgi import Event, Headers

if TYPE_CHECKING:
    from interface_server.owners.table import Owners
    from interface_server.reply_queue import ReplyQueue
    from interface_server.websocket import Socket

logger = logging.getLogger("interface_server")

#: Close codes that may go over the wire: RFC 6455, section 7.4, and IANA's registry since then.
_REGISTERED = frozenset([1000, 1001, 1002, 1003, *range(1007, 1015)])

#: What events have beside what they say: what they are, and what workers add.
_OF_EVENTS = frozenset(("type", "from", "n", "again"))


class Dispatcher:
    """The clients of this process by their ids.

    Attributes:
        reply_queues: the ReplyQueues of HTTP requests, by client id.
        sockets: the Sockets, by client id.
        owners: who hosts the instances of sockets; messages with a `type` are theirs.
    """

    __slots__ = ("_ids", "_unknown_keys", "owners", "received", "reply_queues", "sockets")

    def __init__(self) -> None:
        self.reply_queues: dict[str, ReplyQueue] = {}
        self.sockets: dict[str, Socket] = {}
        self.owners: Owners | None = None
        self._ids = itertools.count()
        self._unknown_keys = UnknownKeys()
        #: Messages so far. Counted here: only this event loop does, so it needs no lock.
        self.received = 0

    def new_client(self) -> str:
        """Return an id that no client of this process has had before."""
        return f"{next(self._ids):x}"

    def dispatch(self, clients: Sequence[str], message: Content) -> None:
        """Give `message` to each of `clients`; those that have gone meanwhile are passed over."""
        self.received += 1
        if tracing.tracer.is_on:
            tracing.tracer.deliver(message, len(clients))
        if self.owners is not None and "type" in message:
            self.owners.dispatch(clients, message)
            return
        sockets = []
        for client in clients:
            socket = self.sockets.get(client)
            if socket is not None:
                sockets.append(socket)
            elif client in self.reply_queues:
                self.reply_queues[client].deliver(message)
        if sockets:
            self.deliver(sockets, message)

    def deliver(self, sockets: list[Socket], message: Content) -> None:
        """Give a message of functions to sockets."""
        try:
            reply = read_reply(message)
        except BadReply as error:
            log_bad_reply(error, sockets[0].reply_channel, "it was ignored")
            return
        if not SOCKET_KEYS & message.keys():
            self._unknown_keys.tell(message, sockets[0].reply_channel)
            return
        owners = self.owners
        if owners is not None and not owners.by_client:
            owners = None
        for socket in sockets:
            if owners is not None and owners.keeps_for_later(socket, message):
                continue
            try:
                socket.deliver(reply)
            except Exception:  # one socket's trouble must not cost the others their message
                logger.exception("could not pass a message to %s", socket.reply_channel)


# -- what a message asks of a socket ---------------------------------------------------------------


class Reply:
    """What one message asks of a socket.

    Attributes:
        accept: True or False if the message says so, else None.
        subprotocol: the one to agree to when accepting, or None.
        event: the `websocket.send` ASGI event to send, or None. Shared by all sockets it goes to.
        size: about how many bytes `event` holds.
        close: the code to close with, or None.
        reason: what to say of it, or None.
        headers: the headers to accept with.
    """

    # Of the class, as few messages ask for more than one: setting all of them takes 0.3 µs.
    accept: bool | None = None
    subprotocol: str | None = None
    event: Event | None = None
    size = 0
    close: int | None = None
    reason: str | None = None
    headers: Headers | None = None


def read_reply(message: Content) -> Reply:
    """Return the Reply in a message of functions. Raises BadReply.

    An empty text and empty bytes are no frame, as in Daphne 1.x.
    """
    reply = Reply()
    if "accept" in message or "subprotocol" in message:
        reply.accept, reply.subprotocol = _read_accept(message), _read_subprotocol(message)
    _read_frame(reply, message.get("text"), message.get("bytes"))
    if not reply.size:
        reply.event = None
    if "close" in message:
        close = message["close"]
        if close is not None and close is not False and close != 0:
            reply.close = read_code(close)
    return reply


def _read_frame(reply: Reply, text: object, data: object) -> None:
    """Let `reply` send one of the two, which may be empty."""
    if text and data:
        raise BadReply("it has both 'text' and 'bytes': send two messages")
    if data is not None and not isinstance(data, (bytes, bytearray, memoryview)):
        raise BadReply(f"'bytes' must be bytes, got {type(data).__name__}: use 'text' for str")
    if text is not None:
        text = _checked_text(text)
    if data or (data is not None and text is None):
        reply.event, reply.size = {"type": "websocket.send", "bytes": bytes(data)}, len(data)
    elif text is not None:
        reply.event, reply.size = {"type": "websocket.send", "text": text}, len(text)


def read_event(message: Content) -> Reply:
    """Return the Reply in an event of ASGI, which has a `type`. Raises BadReply."""
    kind = message["type"]
    if kind == "websocket.send":
        reply = Reply()
        _read_frame(reply, message.get("text"), message.get("bytes"))
        if reply.event is None:
            keys = explain_unknown(message.keys() - _OF_EVENTS, ("text", "bytes"))
            raise BadReply(f"a websocket.send has neither 'text' nor 'bytes' ({keys})")
        return reply
    if kind == "websocket.accept":
        reply = Reply()
        reply.accept, reply.subprotocol = True, _read_subprotocol(message)
        reply.headers = [
            (bytes(name), bytes(value)) for name, value in message.get("headers") or ()
        ]
        return reply
    if kind == "websocket.close":
        reply = Reply()
        reply.close = read_code(1000 if message.get("code") is None else message["code"])
        reply.reason = message.get("reason")
        return reply
    raise BadReply(f"no client can be sent a {kind!r}: use websocket.send or websocket.close")


def read_code(value: object) -> int:
    """Return the close code that `close` means; 1011, after logging it, for one that is illegal."""
    if value is True:
        return 1000
    if type(value) is int and (value in _REGISTERED or 3000 <= value <= 4999):
        return value
    logger.error(
        "invalid close code %r: use True, 1000, or one from 3000 to 4999; closing with 1011", value
    )
    return 1011


def _read_accept(message: Content) -> bool | None:
    accept = message.get("accept")
    return None if accept is None else bool(accept)


def _read_subprotocol(message: Content) -> str | None:
    subprotocol = message.get("subprotocol")
    if subprotocol is not None and not isinstance(subprotocol, str):
        raise BadReply(f"'subprotocol' must be str, got {subprotocol!r}")
    return subprotocol


def _checked_text(text: object) -> str:
    if not isinstance(text, str):
        raise BadReply(f"'text' must be str, got {type(text).__name__}: use 'bytes' for bytes")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadReply(f"'text' can't be sent as UTF-8: {error}") from error
    return text


# -- mistakes --------------------------------------------------------------------------------------


class BadReply(ValueError):
    """A message on a reply channel that can't be obeyed; the text says what and what to do."""


def log_bad_reply(error: BadReply | str, reply_channel: str, consequence: str) -> None:
    """Log an author's mistake: on which channel, what it is, and what becomes of it."""
    logger.error("bad message on %s: %s; %s", reply_channel, error, consequence)


class UnknownKeys:
    """Tells of messages without a key that a socket knows: once for each set of keys.

    Who has sent one is not known here: a script, or a consumer by way of a group. The worker tells
    of what a consumer has sent to a socket itself, and names the consumer.
    """

    #: So many sets of keys are told apart; after that nothing is told.
    MOST = 100

    def __init__(self) -> None:
        self._told: set[frozenset[str]] = set()

    def tell(self, message: Content, reply_channel: str) -> None:
        """Say that `message` did nothing, and what was probably meant."""
        keys = frozenset(map(str, message))
        if keys in self._told or len(self._told) >= self.MOST:
            return
        self._told.add(keys)
        logger.warning(
            "a message to %s, or to a group that it is in, was ignored: a socket knows none of its "
            "keys (%s). Later ones with the same keys are not told",
            reply_channel,
            explain_unknown(keys, SOCKET_KEYS),
        )
