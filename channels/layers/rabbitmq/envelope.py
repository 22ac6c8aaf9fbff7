"""The body of a message of a queue: whom it is for, how often it was tried, when it was sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import msgpack

from channels.layers.entries import Entry

#: It comes without types: checkers guess that it may return None.
_packb: Any = msgpack.packb


@dataclasses.dataclass(eq=False, slots=True)
class BrokerEntry(Entry):
    """An Entry as it came out of a queue."""

    #: The AMQP channel and tag by which it is acknowledged; None if it was taken for good.
    channel_and_tag: tuple[Any, int] | None = None
    deliveries: int = 0


def pack_body(clients: Iterable[str], payload: bytes, attempts: int, sent_at: float) -> bytes:
    """Return the body of a message."""
    packed: bytes = _packb([" ".join(clients), attempts, sent_at, payload])
    return packed


def read_body(name: str, body: bytes, expiry_s: float) -> BrokerEntry:
    """The entry in the body of a message of a channel's queue."""
    clients, attempts, sent_at, payload = msgpack.unpackb(body, raw=False)
    return BrokerEntry(
        name, tuple(clients.split(" ")), payload, sent_at, sent_at + expiry_s, attempts
    )


def read_sent_at(body: bytes) -> float:
    """When a message was sent."""
    return float(msgpack.unpackb(body, raw=False)[2])
