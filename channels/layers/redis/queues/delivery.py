"""A message as this layer hands it out."""

from typing import NamedTuple

from channels.layers import operations as ops


class Entry(NamedTuple):
    """Where a delivery that is owned lies, on an acknowledged channel: the token of a Delivery."""

    host: int
    keys: object
    id: bytes


class RedisDelivery(ops.Delivery):
    """A Delivery that knows which clients of a process it is for."""

    __slots__ = ("clients",)

    def __init__(self, channel, content, attempts, token, clients=()):
        super().__init__(channel, content, attempts, token)
        self.clients = clients
