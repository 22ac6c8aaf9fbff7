"""What channels and groups may be called, and what a name says about its kind.

A name is made of letters, digits, `-`, `_` and `.`, and is shorter than 200 characters. A channel
name may hold one of two marks:

- `?` makes a single-reader channel: `http.request.body?x7Qd`; all of its messages have one reader.
- `!` makes a process-specific one: `websocket.send.Hk3f!2a`. Everything up to and with the `!`
  names the process (its queue); what follows, the local part, names a client inside it.
"""

import fnmatch
import functools
import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from channels.exceptions import InvalidName

MAX_NAME_LENGTH = 199

_CHANNEL = re.compile(r"[a-zA-Z0-9\-_.]+(?:\?[a-zA-Z0-9\-_.]+|![a-zA-Z0-9\-_.]*)?")
_GROUP = re.compile(r"[a-zA-Z0-9\-_.]+")
_ALPHABET = string.ascii_letters + string.digits
_RULE = (
    "use letters, digits, '-', '_' and '.', at most one '?' or '!' (channels only), "
    f"and at most {MAX_NAME_LENGTH} characters"
)


def check_channel_name(name: object) -> str:
    """Return `name` if a message can be sent to it; raise InvalidName if not."""
    if not isinstance(name, str):
        raise InvalidName(f"channel name must be str, got {type(name).__name__} {name!r}")
    return _check_channel_text(name)


@functools.lru_cache(maxsize=4096)
def _check_channel_text(name: str) -> str:
    if len(name) > MAX_NAME_LENGTH or not _CHANNEL.fullmatch(name):
        raise InvalidName(f"invalid channel name {name!r}: {_RULE}")
    return name


def check_receive_name(name: object) -> str:
    """Return `name` if it can be received from: a process-specific one must end at its `!`."""
    name = check_channel_name(name)
    if "!" in name and not name.endswith("!"):
        raise InvalidName(
            f"can't receive from {name!r}: name the whole process, {queue_name(name)!r}; "
            "each message comes with its full channel name"
        )
    return name


def check_group_name(name: object) -> str:
    """Return `name` if it can name a group; raise InvalidName if not."""
    if not isinstance(name, str):
        raise InvalidName(f"group name must be str, got {type(name).__name__} {name!r}")
    return _check_group_text(name)


@functools.lru_cache(maxsize=4096)
def _check_group_text(name: str) -> str:
    if len(name) > MAX_NAME_LENGTH or not _GROUP.fullmatch(name):
        raise InvalidName(f"invalid group name {name!r}: {_RULE}")
    return name


def queue_name(channel: str) -> str:
    """Return the name of the queue that holds a channel's messages: up to and with its `!`."""
    return channel[: channel.find("!") + 1] or channel


def split_local(channel: str) -> tuple[str, str]:
    """Return (queue name, local part); the local part is "" unless the name has a `!`."""
    head, mark, local = channel.partition("!")
    return head + mark, local


def full_names(members: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the full names of channels that are told by queue and local parts."""
    return [queue + client for queue, clients in members.items() for client in clients]


#: How reply channels begin: `http.response.Hk3f!2a` answers a request, `websocket.send.Hk3f!2a`
#: goes to a socket. `Hk3f` is the interface server, `2a` the client's id at that server.
HTTP_RESPONSE = "http.response"
WEBSOCKET_SEND = "websocket.send"
REPLY_KINDS = (HTTP_RESPONSE, WEBSOCKET_SEND)


def reply_channel_name(kind: str, server_id: str, client: str) -> str:
    """Return the reply channel of a client; `kind` is one of REPLY_KINDS.

    For an empty `client` it is the queue that holds what goes to any client of the server.
    """
    return f"{kind}.{server_id}!{client}"


class ReplyName(NamedTuple):
    """The parts of a reply channel's name."""

    kind: str
    server_id: str
    client: str


def split_reply_channel(channel: str) -> ReplyName | None:
    """Return the parts of a reply channel's name; None if it is no reply channel."""
    head, mark, client = channel.partition("!")
    kind, dot, server_id = head.rpartition(".")
    return ReplyName(kind, server_id, client) if mark and kind in REPLY_KINDS else None


def is_socket(channel: str) -> bool:
    """Whether what is sent to `channel` goes to a WebSocket."""
    return channel.startswith(f"{WEBSOCKET_SEND}.")


def is_response(channel: str) -> bool:
    """Whether what is sent to `channel` answers an HTTP request."""
    return channel.startswith(f"{HTTP_RESPONSE}.")


#: How the channels begin that a process has made for itself: `specific.x7Qd!k2hP` (Channels 2).
SPECIFIC = "specific."


def is_of_process(channel: str) -> bool:
    """Whether `channel` is one that a process has made for itself, to read it."""
    return channel.startswith(SPECIFIC)


def random_suffix(length: int = 12) -> str:
    """Return random letters and digits: 71 bits at the default length."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_channel_name(pattern: str) -> str:
    """Return a fresh name: `pattern`, which ends with `?` or `!`, and a random suffix."""
    if not isinstance(pattern, str) or not pattern.endswith(("?", "!")):
        raise InvalidName(
            f"new_channel() takes a pattern that ends with '?' or '!', got {pattern!r}"
        )
    return check_channel_name(pattern + random_suffix())


class GlobTable:
    """Values by channel name glob, the first match wins: `channel_capacity` and its like."""

    def __init__(self, table: Mapping[Any, Any] | None, default: Any) -> None:
        self._rules = [
            (glob if hasattr(glob, "match") else re.compile(fnmatch.translate(glob)), value)
            for glob, value in (table or {}).items()
        ]
        self._default = default
        self.get: Callable[[str], Any] = functools.lru_cache(maxsize=4096)(self._find)

    def _find(self, name: str) -> Any:
        return next((value for rule, value in self._rules if rule.match(name)), self._default)
