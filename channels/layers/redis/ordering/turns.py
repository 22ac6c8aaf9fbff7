"""Turns of ordered sockets that one thread knows of without asking.

A message of a socket reaches one worker only, and once; if it has vanished, its copy comes later
than a turn is known, and never runs without asking (see stuck.py). So who has run message k - 1,
ended it, and was told that nothing waited for that, knows that k may run as soon as it comes:
nobody else has it, and nobody else can let it run. That it runs is written down all the same, for
the case that the worker dies; but there is no answer to wait for. This saves an ordered message one
of its two round trips.
"""

from channels.layers import operations as ops
from channels.layers.redis.queues.delivery import Taken

#: So long a turn is known: less than it takes until a frame that has vanished is sent again.
KNOWN_FOR_S = 3.0
#: Now and then it is asked all the same, which renews the life of the socket's keys.
ASK_EVERY = 100
#: Of so many sockets at most.
KNOWN_SOCKETS = 4096
#: The one channel that is never sent to twice, not even when an answer of Redis was lost.
_SENT_ONCE = "websocket.receive"


class KnownTurns:
    """The next order of each socket whose last message this thread has ended."""

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
