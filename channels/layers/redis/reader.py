"""What a worker thread receives with: see `channels.layers.base.Reader`."""

import functools
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.contract import ForeseenSession, Reader
from channels.layers.redis.ordering.turns import KnownTurns
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.plans import Request
from channels.layers.redis.transport.sync import SyncDriver, SyncReader
from channels.layers.redis.transport.sync_connection import Ahead

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer


class RedisReader(Reader):
    """One worker thread's way to its messages."""

    def __init__(
        self,
        layer: "RedisChannelLayer",
        driver: SyncDriver,
        hosts: Sequence[Host],
        cursor: Cursor,
    ) -> None:
        self._layer, self._driver, self._cursor = layer, driver, cursor
        self._reader = SyncReader(driver, hosts)
        self._turns = KnownTurns()
        #: The session that was asked for ahead, until it is taken.
        self._session: Ahead | None = None
        #: The thread that takes: the connection is its own.
        self._thread = 0

    def take(
        self, operations: Sequence[ops.Operation] = (), block_s: float = 0.0
    ) -> tuple[list[Any], ops.Delivery | None]:
        self._thread, self._session = threading.get_ident(), None
        self._layer.runs_in_order.pop(self._thread, None)
        # Turns are known from here on, not from when the answer was read: that may be much later.
        now_s = time.monotonic()
        plan = self._layer.batches.take(self._cursor, operations, block_s, now_s)
        try:
            results, delivery = self._driver.run(plan, self._reader)
        except LayerUnavailable:
            self._turns.forget()
            raise
        for operation, result in zip(operations, results, strict=True):
            if type(operation) is ops.FinishOrdered and not isinstance(result, Exception):
                self._turns.note_end(operation, result, now_s)
                if result is not None:
                    result.reader = self
        if delivery is not None:
            delivery.reader = self
        return results, delivery

    def foresee_session(self, reply_channel: str) -> ForeseenSession | None:
        request = self._layer.sockets.session_request(reply_channel)
        try:
            self._session = ahead = self.write_ahead([request])
        except LayerUnavailable:
            return None
        return functools.partial(self._take_foreseen, reply_channel, ahead)

    def _take_foreseen(self, reply_channel: str, ahead: Ahead) -> dict[str, Any] | None:
        if self._session is not ahead or self._thread != threading.get_ident():
            return None
        self._session = None
        replies = ahead.get()
        return self._layer.sockets.read_session(reply_channel, replies[0]) if replies else None

    def note_begin(self, reply_channel: str, order: int) -> None:
        """An ordered delivery runs in this thread."""
        self._turns.note_begin(reply_channel, order)

    def has_turn(self, delivery: ops.Delivery, reply_channel: str, order: int) -> bool:
        """Whether it is known, without asking, that an ordered delivery may run."""
        if self._thread != threading.get_ident():  # whose connection is not to be written to
            return False
        return self._turns.is_next(delivery, reply_channel, order, time.monotonic())

    def write_ahead(self, requests: Sequence[Request]) -> Ahead:
        """Send requests to one host whose replies nobody waits for; return their Ahead."""
        try:
            connection = self._reader.connection(requests[0].host)
            return connection.write_ahead([request.command for request in requests])
        except LayerUnavailable:
            self._turns.forget()
            raise

    def interrupt(self) -> None:
        self._reader.interrupt()

    def close(self) -> None:
        self._reader.close()
