"""What a worker thread receives with: see `channels.layers.base.Reader`."""

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.contract import Reader
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
        self._session: tuple[str, Ahead] | None = None

    def take(
        self, operations: Sequence[ops.Operation] = (), block_s: float = 0.0
    ) -> tuple[list[Any], ops.Delivery | None]:
        self._driver.here.reader = self
        self._session = None
        self._layer.runs_in_order.pop(threading.get_ident(), None)
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
        return results, delivery

    def foresee_session(self, reply_channel: str) -> None:
        request = self._layer.sockets.session_request(reply_channel)
        with contextlib.suppress(LayerUnavailable):
            self._session = reply_channel, self.write_ahead([request])

    def take_foreseen(self, reply_channel: str) -> list[Any] | None:
        """The replies to the requests for a session that was foreseen, or None."""
        session, self._session = self._session, None
        if session is None or session[0] != reply_channel:
            return None
        return session[1].get()

    def note_begin(self, reply_channel: str, order: int) -> None:
        """An ordered delivery runs in this thread."""
        self._turns.note_begin(reply_channel, order)

    def has_turn(self, delivery: ops.Delivery, reply_channel: str, order: int) -> bool:
        """Whether it is known, without asking, that an ordered delivery may run."""
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
        self._driver.here.reader = None
        self._reader.close()
