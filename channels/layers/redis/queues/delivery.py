"""A message as this layer hands it out, and what its token says."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from channels.layers import operations as ops
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.transport.plans import Plan, Request


class Taken(NamedTuple):
    """Where a delivery came from, and its envelope: the token of one that was taken."""

    host: int
    keys: QueueKeys
    envelope: bytes


class Entry(NamedTuple):
    """Where a delivery that is owned lies, on an acknowledged channel: its token."""

    host: int
    keys: QueueKeys
    id: bytes


class RedisDelivery(ops.Delivery):
    """A Delivery that knows which clients of a process it is for."""

    __slots__ = ("clients",)

    def __init__(
        self,
        channel: str,
        content: dict[str, Any],
        attempts: int,
        token: Taken | Entry | None,
        clients: Sequence[str] = (),
        sent_at: float | None = None,
    ) -> None:
        super().__init__(channel, content, attempts, token, sent_at)
        self.clients = clients


class OwnedChannels(Protocol):
    """What queues ask of acknowledged channels, whose messages lie elsewhere."""

    def has(self, keys: QueueKeys) -> bool: ...

    def send_request(self, keys: QueueKeys, payload: bytes) -> Request: ...

    def read(self, keys: QueueKeys, host: int, is_direct: bool) -> Plan[RedisDelivery | None]: ...

    def put_request(self, keys: QueueKeys, payload: bytes, attempts: int) -> Request: ...

    def promote_request(self, all_keys: Sequence[QueueKeys], host: int) -> Request: ...

    def done_request(self, entry: Entry) -> Request: ...

    def retry_request(self, entry: Entry, delay_s: float) -> Request: ...

    def put_back_request(self, entry: Entry) -> Request: ...
