"""What a worker thread receives with, and what it knows without asking; see
`channels.layers.contract.Reader`."""

import functools
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.contract import ForeseenSession, Reader
from channels.layers.redis.ordering.sockets import KNOWN_FOR_S
from channels.layers.redis.queues.cursor import Cursor
from channels.layers.redis.queues.delivery import Taken
from channels.layers.redis.transport.hosts import Host
from channels.layers.redis.transport.plans import Request
from channels.layers.redis.transport.sync import SyncDriver, SyncReader
from channels.layers.redis.transport.sync_connection import Ahead

if TYPE_CHECKING:
    from channels.layers.redis.layer import RedisChannelLayer

#: Now and then it is asked all the same, which renews the life of the socket's keys.
ASK_EVERY = 100
#: Of so many sockets at most.
KNOWN_SOCKETS = 4096
#: The one channel that is never sent to twice, not even when an answer of Redis was lost.
_SENT_ONCE = "websocket.receive"


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
        # Ablation: a message with a session waits for 2 round trips, not 3.
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
        """Send requests to one host whose replies nobody waits for; return their Ahead.

        Ablation: an ordered message, or one with a session, waits for 2 round trips, not 3.
        """
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


class KnownTurns:
    """The next order of each socket whose last message this thread has ended.

    A message of a socket reaches one worker only, and once; if it has vanished, its copy comes
    later than a turn is known, and never runs without asking (see ordering/stuck.py). So who has
    run message k - 1, ended it, and was told that nothing waited for that, knows that k may run as
    soon as it comes: nobody else has it, and nobody else can let it run. That it runs is written
    down all the same, for the case that the worker dies; but there is no answer to wait for.

    Ablation: an ordered message waits for 2 round trips, not 3.
    """

    def __init__(self) -> None:
        self._next: dict[str, tuple[int, float]] = {}
        #: What runs in this thread: (reply channel, order).
        self._begun: tuple[str, int] | None = None

    def note_begin(self, reply_channel: str, order: int) -> None:
        """The turn of a message has begun in this thread."""
        self._begun = reply_channel, order

    def note_end(self, operation: ops.FinishOrdered, freed: object, now_s: float) -> None:
        """A FinishOrdered that was sent at `now_s` was carried out; `freed` is its result."""
        self._next.pop(operation.reply_channel, None)  # the latest goes to the end
        begun, self._begun = self._begun, None
        if freed is not None or begun != (operation.reply_channel, operation.order):
            return
        self._next[operation.reply_channel] = (operation.order + 1, now_s + KNOWN_FOR_S)
        if len(self._next) > KNOWN_SOCKETS:
            del self._next[next(iter(self._next))]

    def forget(self) -> None:
        """Redis was away: it may have come back without knowing whose turn it is."""
        self._next.clear()
        self._begun = None

    def is_next(self, delivery: ops.Delivery, reply_channel: str, order: int, now_s: float) -> bool:
        """Whether a delivery may run. It is asked once for each."""
        if delivery.channel != _SENT_ONCE:
            return False
        known = self._next.pop(reply_channel, None)
        if known is None or known[0] != order or now_s > known[1] or order % ASK_EVERY == 0:
            return False
        # A message that was parked, asked for a retry or is owned may have been seen before.
        return type(delivery.token) is Taken and delivery.attempts == 0
