"""The numbers of a server's signs of life, and what a Redis has lost that knows fewer of them. No
I/O, no clock.
"""

import collections
from typing import NamedTuple

from channels.layers.redis.transport.lane import KEPT_S

#: So many of the latest beats are kept: all of KEPT_S, and those before.
KEPT_BEATS = 32


class Beat(NamedTuple):
    """A numbered sign of life: the latest one that had been answered before it, or 0, and when it
    was given."""

    number: int
    answered: int
    at_s: float


class Beats:
    """The beats that one server gives."""

    def __init__(self) -> None:
        self._number = self._answered = 0
        self._kept: collections.deque[Beat] = collections.deque(maxlen=KEPT_BEATS)

    def give(self, now_s: float) -> Beat:
        """The next beat."""
        self._number += 1
        return Beat(self._number, self._answered, now_s)

    def note_answer(self, beat: Beat, known: int) -> bool:
        """Redis knew of the beat of the number `known` when it got this one. Returns whether it has
        taken it; if not, it has lost some that it had answered."""
        if known < beat.answered:
            return False
        self._answered = max(self._answered, beat.number)
        self._kept.append(beat)
        return True

    def find_loss(self, known: int) -> float | None:
        """When the last moments began that a Redis has lost which knows of no beat after `known`:
        at that one. None if it has lost more than them, or everything."""
        before = [beat for beat in self._kept if beat.number <= known]
        lost = [beat for beat in self._kept if beat.number > known]
        if not known or not before or (lost and lost[-1].at_s - lost[0].at_s > KEPT_S):
            return None
        return before[-1].at_s

    def go_on_from(self, known: int) -> None:
        """What was lost is dealt with."""
        self._answered = known
        while self._kept and self._kept[-1].number > known:
            self._kept.pop()

    def begin_anew(self) -> None:
        """The layer knows of none."""
        self._answered = 0
        self._kept.clear()
