"""How a message lies in a Redis list.

An envelope is a head of 10 bytes (kind, attempts made before, and the time in Redis' own clock, in
ms, at which the message expires), written by the scripts; then, for TO_CLIENTS, the local parts of
the channels it goes to (4-byte length, names joined by spaces); then the packed message.
"""

import math
import struct
from typing import NamedTuple

#: No message: wakes a reader that waits, so that it looks at the delayed ones.
WAKE = 0
#: A message for the channel that has the queue's name.
PLAIN = 1
#: A message for clients of the process that has the queue's name.
TO_CLIENTS = 2
#: No message either: one waits in the stream of an acknowledged channel.
TOKEN = 3

_HEAD = struct.Struct(">BBd")
_LENGTH = struct.Struct(">I")


class Envelope(NamedTuple):
    """A parsed envelope: `clients` is empty for PLAIN."""

    kind: int
    attempts: int
    expires_ms: float
    clients: list[str]
    body: memoryview


class MalformedEnvelope(ValueError):
    """Bytes in a queue that are no envelope."""


def address(client: str, body: bytes) -> bytes:
    """Return what follows the head in a message for one client."""
    name = client.encode("ascii")
    return _LENGTH.pack(len(name)) + name + body


def kind_of(data: bytes | None) -> int | None:
    """Return the kind of an envelope; None if there is nothing in it."""
    return data[0] if data else None


def read_head(data: bytes) -> tuple[int | None, float]:
    """Return the kind of an envelope, and when its message expires, in ms of Redis' own clock.

    What is too short to be an envelope never does: whoever parses it is told.
    """
    if len(data) < _HEAD.size:
        return kind_of(data), math.inf
    kind, _, at_ms = _HEAD.unpack_from(data)
    return kind, at_ms


def expires_ms(data: bytes) -> float:
    """Return when the message in an envelope expires: see `read_head`."""
    return read_head(data)[1]


def parse(data: bytes) -> Envelope:
    """Return the Envelope in `data`. Raises MalformedEnvelope."""
    try:
        kind, attempts, expires_ms = _HEAD.unpack_from(data)
        if kind == PLAIN:
            return Envelope(kind, attempts, expires_ms, [], memoryview(data)[10:])
        if kind != TO_CLIENTS:
            raise MalformedEnvelope(f"unknown kind {kind}")
        (length,) = _LENGTH.unpack_from(data, 10)
        if 14 + length > len(data):
            raise MalformedEnvelope(f"{length} bytes of names in an envelope of {len(data)}")
        clients = data[14 : 14 + length].decode("ascii").split(" ")
    except (struct.error, UnicodeDecodeError) as error:
        raise MalformedEnvelope(str(error)) from error
    return Envelope(kind, attempts, expires_ms, clients, memoryview(data)[14 + length :])
