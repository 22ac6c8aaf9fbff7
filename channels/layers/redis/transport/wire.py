"""Commands as the bytes that Redis reads, and its replies as Python values.

redis-py opens the connections: addresses, TLS, passwords and Sentinels are its business. What then
goes over them passes it by, as its own packing and reading cost more than all else that happens to
a message on its way; hiredis does both in a microsecond. Spoken is RESP 2, or 3 if `protocol` says
so, without pushes.

Most commands are Lua scripts. Each folder keeps its own, `<name>.lua`, beside the code that calls
them, and names them in its `scripts.py`; a file's head documents its keys and arguments. What
several scripts share stands in files called `part_<name>.lua`.
"""

import hashlib
import importlib.resources
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import hiredis
import redis.exceptions

from channels.exceptions import LayerUnavailable
from channels.layers.redis.transport.complaints import Complaints

#: Pieces up to this size are joined, so that they are written with one system call.
JOIN_BYTES = 64 * 1024
#: hiredis packs an argument from this size on more slowly than Python does.
LARGE_BYTES = 16 * 1024
#: Read with one system call at most.
READ_BYTES = 256 * 1024
#: What a reader's `gets` returns while the next reply is not there yet.
NOT_YET: Any = object()

#: A Redis command: its name and its arguments, which are str, bytes or numbers.
Command: TypeAlias = tuple[Any, ...]


class Script(NamedTuple):
    """A script's text, and the digest by which Redis knows it."""

    text: bytes
    sha: str

    def call(self, keys: Sequence[str], args: Sequence[Any]) -> Command:
        """Return the command that runs the script."""
        return ("EVALSHA", self.sha, len(keys), *keys, *args)


def pairs(reply: Any) -> list[tuple[Any, Any]]:
    """The (field, value) pairs of a hash, as RESP2 or RESP3 gives it."""
    if isinstance(reply, dict):
        return list(reply.items())
    return list(zip(reply[::2], reply[1::2], strict=True))


class ReadOnly(redis.exceptions.ConnectionError):
    """This Redis has become a replica: whoever stays connected to it can write no more."""

    #: False if nothing of the pipeline that was refused can have been carried out.
    was_sent = True


class Moved(redis.exceptions.ConnectionError):
    """The slot of a cluster that was asked for is on another node: connect anew."""

    #: False if nothing of the pipeline that was refused can have been carried out.
    was_sent = True


class Unsettled(LayerUnavailable):
    """A slot of a cluster is on its way to another node, or has none: nothing was done. It is the
    reply to the one command only; others of the pipeline may have been carried out."""

    def __init__(self, text: str) -> None:
        super().__init__(f"the cluster can't do it just now: {text}", was_sent=False)


_ERRORS: dict[str, Callable[[str], Exception]] = {
    "MOVED": Moved,
    "ASK": Unsettled,
    "TRYAGAIN": Unsettled,
    "CLUSTERDOWN": Unsettled,
    "NOSCRIPT": redis.exceptions.NoScriptError,
    "LOADING": redis.exceptions.BusyLoadingError,
    "NOAUTH": redis.exceptions.AuthenticationError,
    "WRONGPASS": redis.exceptions.AuthenticationError,
    "NOPERM": redis.exceptions.NoPermissionError,
    "READONLY": ReadOnly,
    "MASTERDOWN": ReadOnly,
}


class LargeCommand(tuple[Any, ...]):
    """A command with an argument of many bytes, which hiredis would copy slowly: see `sized`."""

    __slots__ = ()


def sized(command: Command, size: int) -> Command:
    """Return `command`, whose largest argument has `size` bytes, in the form that suits that."""
    return command if size < LARGE_BYTES else LargeCommand(command)


def pack(commands: Iterable[Command]) -> list[bytes]:
    """Return `commands` (tuples of str, bytes and numbers) as a list of bytes to be written."""
    pieces: list[bytes] = []
    for command in commands:
        if type(command) is LargeCommand:
            pieces += _pack_large(command)
        else:
            pieces.append(hiredis.pack_command(command))
    if len(pieces) > 1 and max(map(len, pieces)) <= JOIN_BYTES:
        return [b"".join(pieces)]
    return pieces


def _pack_large(command: Command) -> Iterator[bytes]:
    """Yield the parts of a command; large ones are not copied (RESP: arrays of bulk strings)."""
    head = b"*%d\r\n" % len(command)
    for argument in command:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        head += b"$%d\r\n" % len(data)
        if len(data) < LARGE_BYTES:
            head += data
        else:
            yield head
            yield data
            head = b""
        head += b"\r\n"
    yield head


def make_reader(on_error: Callable[[], None]) -> Any:
    """Return what replies are read with: `feed` it bytes, and `gets` gives them one by one.

    A refused command's reply is its ResponseError, and `on_error()` is called; NOT_YET stands for
    the one that is to come.
    """

    def make_error(text: str) -> Exception:
        on_error()
        return _error(text)

    return hiredis.Reader(
        protocolError=redis.exceptions.InvalidResponse,
        replyError=make_error,
        notEnoughData=NOT_YET,
    )


def _error(text: str) -> Exception:
    """The exception for an error reply, by the word that it begins with."""
    if "-READONLY " in text:  # Redis 6: that of a command in a script
        return ReadOnly(text)
    return _ERRORS.get(text.partition(" ")[0], redis.exceptions.ResponseError)(text)


def setup_commands() -> list[Command]:
    """Return what a new connection begins with: see `read_setup`."""
    return [*(("SCRIPT", "LOAD", script.text) for script in _loaded), ("HELLO",), ("CLIENT", "ID")]


def read_setup(replies: Sequence[Any], *, is_of_cluster: bool = False) -> Any:
    """Return the connection's id from the replies to `setup_commands`.

    Raises the error among them, or ReadOnly; ConnectionError for a node of a cluster where one
    Redis is expected, or the other way round. Redis lets every user say HELLO; what stands in for a
    Redis may not know it.
    """
    *loaded, hello, client_id = replies
    for reply in (*loaded, client_id):
        if isinstance(reply, Exception):
            raise reply
    facts = {} if isinstance(hello, Exception) else dict(pairs(hello))
    if facts.get(b"mode") == b"cluster" and not is_of_cluster:
        raise redis.exceptions.ConnectionError(
            "it is a node of a Redis Cluster: name "
            "channels.layers.redis.RedisClusterChannelLayer in CHANNEL_LAYERS"
        )
    if facts.get(b"role") == b"replica":
        raise ReadOnly("it is a replica, which can't be written to")
    return client_id


def missing_scripts(replies: Sequence[Any], complaints: Complaints) -> list[int]:
    """Return the places of the commands that did not run, as Redis has lost its scripts; note other
    errors that it has answered with, or that it has answered.

    Raises the error among `replies` in which Redis says that it can't serve anybody yet.
    """
    missing = []
    for place, reply in enumerate(replies):
        if isinstance(reply, Exception):
            if isinstance(reply, redis.exceptions.ConnectionError):
                if place == 0:
                    reply.was_sent = False  # type: ignore[attr-defined]
                raise reply
            if isinstance(reply, redis.exceptions.NoScriptError):
                missing.append(place)
            else:
                complaints.note(reply)
    if complaints.last:
        complaints.note_answer()
    return missing


# -- what replies say ------------------------------------------------------------------------------


def check(reply: Any) -> Any:
    """Return `reply`, or raise it if it is an error."""
    if isinstance(reply, LayerUnavailable):
        raise reply
    if isinstance(reply, Exception):
        raise LayerUnavailable(f"Redis refused a command: {reply}", was_sent=False) from reply
    return reply


def raise_if_all_are_away(replies: Sequence[Any], acting: int = 0) -> None:
    """Raise the LayerUnavailable of a step that reached no host at all. The first `acting` of its
    requests must not be carried out twice: if any of them may have been sent, the error says so."""
    if replies and all(isinstance(reply, LayerUnavailable) for reply in replies):
        raise next((reply for reply in replies[:acting] if reply.was_sent), replies[0])


def read_nothing(replies: Iterable[Any]) -> None:
    """Check every reply of a part whose result is None."""
    for reply in replies:
        check(reply)


# -- scripts --------------------------------------------------------------------------------------


#: Every Script of the layer: a new connection makes them known to Redis.
_loaded: list[Script] = []


def read_part(package: str, name: str) -> bytes:
    """Return the text of what scripts share, the file `part_<name>.lua` of a package."""
    return _read(package, f"part_{name}")


def load(package: str, name: str, *parts: bytes) -> Script:
    """Return the Script in a package's file `<name>.lua`, with the texts `parts` in front."""
    text = b"".join((_PRELUDE, *parts, _read(package, name)))
    script = Script(text, hashlib.sha1(text).hexdigest())
    _loaded.append(script)
    return script


def _read(package: str, name: str) -> bytes:
    return (importlib.resources.files(package) / f"{name}.lua").read_bytes()


_PRELUDE = _read("channels.layers.redis.transport", "prelude")
