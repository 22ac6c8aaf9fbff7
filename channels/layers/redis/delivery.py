"""A message as this layer hands it out."""

from channels.layers import operations as ops


class RedisDelivery(ops.Delivery):
    """A Delivery that knows which clients of a process it is for."""

    __slots__ = ("clients",)

    def __init__(self, channel, content, attempts, token, clients=()):
        super().__init__(channel, content, attempts, token)
        self.clients = clients
