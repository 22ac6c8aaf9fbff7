"""The messages that travel between interface servers and consumers, and the close codes of sockets.

Each message is a dict. What stands here is its shape, for whoever reads code and for type checkers;
nothing is checked when the code runs. The format is that of Channels 1.x: text is `str`, headers
and bodies are `bytes`, header names are in lower case. Keys that are not named here pass
through to consumers that are functions; what a class consumer sees is made in worker/applications/.

A key that is not there means what the comment behind it says.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict

if TYPE_CHECKING:
    from typing_extensions import NotRequired

    from channels.requests.head import QueryString

#: What any message is: text keys, and values that can be packed.
Content: TypeAlias = dict[str, Any]

#: What a frame or a body is: the name `bytes` is taken where a message has a key of that name.
Data: TypeAlias = bytes

#: A header: its name and its value. It is a list of two after it has been through a layer.
Header: TypeAlias = list[bytes] | tuple[bytes, bytes]

#: An end of a connection: host and port; a Unix socket has no port.
AddressPair: TypeAlias = list[Any] | tuple[str, int | None]


# -- what interface servers send, by channel ------------------------------------------------------


class HttpRequest(TypedDict):
    """On `http.request`: a request. If the channel is full, the client gets 503."""

    reply_channel: str
    http_version: str
    method: str
    scheme: NotRequired[str]  # "http"
    path: str
    query_string: bytes | str | QueryString
    root_path: NotRequired[str]  # ""
    headers: list[Header]
    body: NotRequired[bytes]  # b""
    body_channel: NotRequired[str | None]  # None: `body` is all of it
    client: NotRequired[AddressPair | None]  # None: not known
    server: NotRequired[AddressPair | None]  # None: not known


class HttpRequestBody(TypedDict):
    """On `http.request.body?…`: one more part of a request's body. If the channel is full, the
    client is slowed down."""

    content: NotRequired[bytes]  # b""
    closed: NotRequired[bool]  # False; True: the client has gone, no more will come
    more_content: NotRequired[bool]  # False: this is the last part
    offset: NotRequired[int]  # how many bytes came before; not known


class HttpDisconnect(TypedDict):
    """On `http.disconnect`: a client left before its response was complete. Dropped if full."""

    reply_channel: str
    path: str


class WebsocketConnect(TypedDict):
    """On `websocket.connect`: a handshake, which waits for an answer. If full, it gets 503."""

    reply_channel: str
    scheme: NotRequired[str]  # "ws"
    path: str
    query_string: NotRequired[bytes | str | QueryString]  # b""
    root_path: NotRequired[str]  # ""
    headers: list[Header]
    client: NotRequired[AddressPair | None]  # None: not known
    server: NotRequired[AddressPair | None]  # None: not known
    order: int  # 0


class WebsocketReceive(TypedDict):
    """On `websocket.receive`: a frame, in `text` or in `bytes`. If full, the client is held up."""

    reply_channel: str
    path: str
    bytes: NotRequired[Data | None]  # None: a text frame
    text: NotRequired[str | None]  # None: a binary frame
    order: int  # from 1


class WebsocketDisconnect(TypedDict):
    """On `websocket.disconnect`: a socket is closed. It is sent again until it is taken."""

    reply_channel: str
    code: int
    path: str
    order: int  # one more than that of the last frame
    answered: NotRequired[bool]  # True; False: no consumer answered, `connect` may never have run


# -- what consumers send to a reply channel -------------------------------------------------------


class HttpResponse(TypedDict):
    """On `http.response.…!…`, first: the head of a response, and the first part of its body."""

    status: int
    headers: NotRequired[list[Header]]  # []
    content: NotRequired[bytes]  # b""
    more_content: NotRequired[bool]  # False: this is all of it


class HttpResponseBody(TypedDict):
    """On `http.response.…!…`, after the first: one more part of the response's body."""

    content: NotRequired[bytes]  # b""
    more_content: NotRequired[bool]  # False: this is the last part
    closed: NotRequired[bool]  # False; True: it failed, and must not pass for a whole response


class WebsocketSend(TypedDict, total=False):
    """On `websocket.send.…!…`: an answer to a handshake, a frame, an end; or several of them."""

    accept: bool | None  # None: data accepts, `close` refuses
    subprotocol: str | None  # None: none is agreed on
    text: str | None
    bytes: Data | None
    close: bool | int | None  # True is 1000; False, 0 and None leave the socket open


# -- what goes on inside of this package ----------------------------------------------------------


class DelayRequest(TypedDict):
    """On `asgi.delay`: a message for the delay server, `manage.py rundelay`."""

    channel: str
    content: Content
    delay: int  # milliseconds


#: What interface servers send, by channel.
FROM_SERVERS: Final[dict[str, type]] = {
    "http.request": HttpRequest,
    "http.disconnect": HttpDisconnect,
    "websocket.connect": WebsocketConnect,
    "websocket.receive": WebsocketReceive,
    "websocket.disconnect": WebsocketDisconnect,
}

#: What their reply channels take: kind (how the channel's name begins) -> the messages.
TO_SERVERS: Final[dict[str, tuple[type, ...]]] = {
    "http.response": (HttpResponse, HttpResponseBody),
    "websocket.send": (WebsocketSend,),
}


def keys_of(*messages: type) -> frozenset[str]:
    """Return the names of all keys that one of these messages can have."""
    return frozenset(key for message in messages for key in message.__annotations__)


#: What a socket looks at in a message to it.
SOCKET_KEYS: Final = keys_of(WebsocketSend)


class CloseCode(IntEnum):
    """Why a WebSocket is closed: RFC 6455, section 7.4.1, and IANA's registry since then.

    Applications have 3000 to 4999 for themselves.
    """

    #: It is done with; also an end whose reason is nobody's business.
    NORMAL = 1000
    #: The server stops, or the browser leaves the page.
    GOING_AWAY = 1001
    #: The other side broke the protocol.
    PROTOCOL_ERROR = 1002
    #: A frame of the wrong kind, as a binary one where text was wanted.
    UNSUPPORTED_DATA = 1003
    #: Never on the wire: the client closed without a code.
    NO_CODE = 1005
    #: Never on the wire: the connection broke.
    BROKEN = 1006
    #: What a frame holds is not what it must be, as text that is not UTF-8, or not JSON.
    INVALID_PAYLOAD = 1007
    #: The client does what it may not, as sending more frames a second than are allowed.
    POLICY_VIOLATION = 1008
    #: A frame is larger than is allowed.
    TOO_BIG = 1009
    #: The client wanted an extension that the server has not.
    EXTENSION_MISSING = 1010
    #: The server failed.
    INTERNAL_ERROR = 1011
    #: The server lost what it knew of the socket: connect again.
    SERVICE_RESTART = 1012
    #: There is too much to do, or the client takes too little of what it is sent: come back later.
    TRY_AGAIN_LATER = 1013
    #: A gateway got a bad answer from the server behind it.
    BAD_GATEWAY = 1014
    #: Never on the wire: TLS could not be agreed on.
    TLS_FAILED = 1015
    #: Ours, of those that applications have: a frame for a stream that the demultiplexer lacks.
    UNKNOWN_STREAM = 4004
    #: Ours as well: the user has logged out in the browser (the setting CHANNELS_AFTER_LOGOUT).
    LOGGED_OUT = 4401


#: The codes that applications have for themselves.
APPLICATION_CODES: Final = range(3000, 5000)

#: The codes that go over the wire; the others say what happened where nothing came over it.
SENDABLE_CODES: Final = frozenset((*CloseCode, *APPLICATION_CODES)) - {
    CloseCode.NO_CODE,
    CloseCode.BROKEN,
    CloseCode.TLS_FAILED,
}
