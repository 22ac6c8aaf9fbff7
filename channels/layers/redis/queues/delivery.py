"""What the token of a delivery says, and what is asked of those who have other tokens."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from channels.layers import operations as ops
from channels.layers.redis.keys import QueueKeys
from channels.layers.redis.transport.plans import Plan, Request


class Taken(NamedTuple):
    """Where a delivery came from, and its envelope: the token of one that was taken."""

    host: int
    keys: QueueKeys
    envelope: bytes
    #: The clients of a process that it is for; none if the queue is not that of a process.
    clients: Sequence[str]


class Entry(NamedTuple):
    """Where a delivery that is owned lies, on an acknowledged channel: its token."""

    host: int
    keys: QueueKeys
    id: bytes


class OwnedChannels(Protocol):
    """What queues ask of acknowledged channels, whose messages lie elsewhere."""

    def has(self, keys: QueueKeys) -> bool: ...

    def send_request(self, keys: QueueKeys, payload: bytes) -> Request: ...

    def read(self, keys: QueueKeys, host: int, is_direct: bool) -> Plan[ops.Delivery | None]: ...

    def put_request(self, keys: QueueKeys, payload: bytes, attempts: int) -> Request: ...

    def promote_request(self, all_keys: Sequence[QueueKeys], host: int) -> Request: ...

    def done_request(self, entry: Entry) -> Request: ...

    def retry_request(self, entry: Entry, delay_s: float) -> Request: ...

    def put_back_request(self, entry: Entry) -> Request: ...
