"""What of one consumer's sends goes out next, so that none to the same channel overtakes another.

A row is what goes to one reply channel. It goes out piece by piece, each twice as long as the one
before it while nothing is refused: a client that reads slowly is not sent again and again what it
has no room for. No I/O here, and no clock.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from channels.exceptions import HeldBack
from channels.layers import operations as ops

if TYPE_CHECKING:
    from channels.layers.contract import Result
    from channels.layers.operations import Operation

#: An operation, and what has refused it.
RefusedOperation: TypeAlias = "tuple[Operation, Exception]"
#: What is tried now, and the rest.
Chosen: TypeAlias = tuple[list[RefusedOperation], list[RefusedOperation]]

#: The most that goes to one channel in one pipeline, in packed bytes: as much as one message may
#: hold, and as a client may have waiting before its sender is told to hold back.
PIECE_BYTES = 1024 * 1024
#: The same in messages, once some were refused.
LONGEST_PIECE = 64
#: So few operations are not worth a look at how long they are.
FEW = 3


class Rows:
    """How the rows of one consumer's operations go on.

    Attributes:
        parts: the channels that it has sent several messages to.
        answers: the reply channels of ordered messages to which it has sent one answer, with the
            end of the turn right behind it, if the layer sends such ones once (`answers_once`).
        cut_off: those of a response that is given up.
        has_moved: whether something went out at the last try.
    """

    def __init__(
        self, operations: Sequence[Operation], now_s: float = 0.0, *, answers_once: bool = False
    ) -> None:
        counts = collections.Counter(
            operation.channel for operation in operations if type(operation) is ops.Send
        )
        self.parts = {channel for channel, count in counts.items() if count > 1}
        self.answers = _find_answers(operations) if answers_once else set()
        self.cut_off: set[str | None] = set()
        self.has_moved = False
        self._begun_s = now_s
        #: By row: when something last went out, how many go out next, when to look again.
        self._moved_s: dict[str | None, float] = {}
        self._widths: dict[str | None, int] = {}
        self._due_s: dict[str, float] = {}

    def waited_s(self, operation: Operation, now_s: float) -> float:
        """Seconds since something of its row went out, or since the beginning."""
        return now_s - self._moved_s.get(ops.row_of(operation), self._begun_s)

    def is_due(self, channel: str, now_s: float, every_s: float) -> bool:
        """Whether it is time to look after a row, as it is every so often."""
        if now_s < self._due_s.get(channel, now_s):
            return False
        self._due_s[channel] = now_s + every_s
        return True

    def choose(self, refused: Iterable[RefusedOperation]) -> Chosen:
        """Split (operation, refusal) pairs in those to try now and the others, both in order."""
        chosen: list[RefusedOperation] = []
        rest: list[RefusedOperation] = []
        full: set[str | None] = set()
        counts: collections.Counter[str | None] = collections.Counter()
        sizes: collections.Counter[str | None] = collections.Counter()
        for operation, refusal in refused:
            channel, size = ops.row_of(operation), _size(operation)
            if channel is None:
                waits = bool(rest) and isinstance(refusal, HeldBack)
            elif type(operation) is ops.FinishOrdered:
                waits = channel in full
            else:
                waits = (
                    channel in full
                    or counts[channel] >= self._widths.get(channel, 1)
                    or (counts[channel] > 0 and sizes[channel] + size > PIECE_BYTES)
                )
            (rest if waits else chosen).append((operation, refusal))
            if waits:
                full.add(channel)
            counts[channel] += 1
            sizes[channel] += size
        return chosen, rest

    def note(
        self, operations: Sequence[Operation], results: Sequence[Result], now_s: float
    ) -> None:
        """What was tried has these results."""
        self.has_moved = False
        held = set()
        for operation, result in zip(operations, results, strict=True):
            channel = ops.row_of(operation)
            if isinstance(result, Exception):
                held.add(channel)
                self._widths[channel] = 1
            else:
                self.has_moved = True
                if channel is not None:
                    self._moved_s[channel] = now_s
        for channel in {ops.row_of(operation) for operation in operations} - held:
            self._widths[channel] = min(2 * self._widths.get(channel, 1), LONGEST_PIECE)


def _find_answers(operations: Sequence[Operation]) -> set[str]:
    return {
        channel
        for channel, places in ops.find_rows(operations)
        if ops.is_answer(operations[places[0] : places[-1] + 1])
    }


def length_of_pipeline(operations: Sequence[Operation]) -> int:
    """How many of `operations` make up one pipeline: all of them, unless a row is too long."""
    if len(operations) <= FEW:
        return len(operations)
    sizes: collections.Counter[str | None] = collections.Counter()
    for place, operation in enumerate(operations):
        channel = ops.row_of(operation)
        sizes[channel] += _size(operation)
        if channel is not None and sizes[channel] > PIECE_BYTES:
            return place
    return len(operations)


def hold_back(operations: Iterable[Operation]) -> list[Result]:
    """The results of operations that were not tried yet."""
    return [HeldBack(str(ops.row_of(operation)), 0, 0) for operation in operations]


def _size(operation: Operation) -> int:
    payload = getattr(operation, "payload", None)
    return len(payload) if isinstance(payload, bytes) else 0
