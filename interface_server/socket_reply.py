"""Messages on `websocket.send.*` as what a socket is to do, or as the mistake they are. No I/O."""

import logging

from channels.startup.hints import explain_unknown
from interface_server.asgi import Event, Headers, Message
from interface_server.bad_reply import BadReply

logger = logging.getLogger("interface_server")

#: Close codes that may go over the wire: RFC 6455, section 7.4, and IANA's registry since then.
_REGISTERED = frozenset([1000, 1001, 1002, 1003, *range(1007, 1015)])

#: What events have beside what they say: what they are, and what workers add.
_OF_EVENTS = frozenset(("type", "from", "n", "again"))


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

    __slots__ = ("accept", "close", "event", "headers", "reason", "size", "subprotocol")

    def __init__(self, accept: bool | None = None, subprotocol: str | None = None) -> None:
        self.accept = accept
        self.subprotocol = subprotocol
        self.event: Event | None = None
        self.size = 0
        self.close: int | None = None
        self.reason: str | None = None
        self.headers: Headers = []


def read_reply(message: Message) -> Reply:
    """Return the Reply in a message of functions. Raises BadReply.

    An empty text and empty bytes are no frame, as in Daphne 1.x.
    """
    reply = Reply(_read_accept(message), _read_subprotocol(message))
    _read_frame(reply, message.get("text"), message.get("bytes"))
    if not reply.size:
        reply.event = None
    close = message.get("close")
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


def read_event(message: Message) -> Reply:
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
        reply = Reply(True, _read_subprotocol(message))
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


def _read_accept(message: Message) -> bool | None:
    accept = message.get("accept")
    return None if accept is None else bool(accept)


def _read_subprotocol(message: Message) -> str | None:
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
