"""Who is dead, of those whose signs of life are looked at from time to time. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class CalmWatch:
    """For how long something has been looked at without a gap, in the clock of who looks.

    `longest_gap_s`: a longer time between two looks is a gap.
    """

    def __init__(self, longest_gap_s: float) -> None:
        self._longest_gap_s = longest_gap_s
        self._since_s = 0.0
        self._last_s: float | None = None

    def note(self, now_s: float) -> float:
        """There was a look at it; return for how many seconds it has been looked at by now."""
        if self._last_s is None or now_s - self._last_s > self._longest_gap_s:
            self._since_s = now_s
        self._last_s = now_s
        return now_s - self._since_s

    def note_gap(self) -> None:
        """It could not be looked at: that is a gap, however soon the next look comes."""
        self._last_s = None


class LifeWatch:
    """Judges by the age of the last sign of life.

    Nobody is judged before the signs have been looked at for a while without a gap: after an
    outage of the layer, the others need a moment to show that they live. And whose sign is not
    there at all is judged by the last one that was: a layer that has lost its data knows nobody.

    Args:
        dead_after_s: a process is dead if its last sign of life is older than this.
        calm_s, longest_gap_s: how long the signs must have been looked at; see CalmWatch.
    """

    def __init__(self, dead_after_s: float, calm_s: float, longest_gap_s: float) -> None:
        self._dead_after_s, self._calm_s = dead_after_s, calm_s
        self._calm = CalmWatch(longest_gap_s)
        #: The last sign of life of each, in the clock of who looks.
        self._last_s: dict[str, float] = {}

    def find_dead(
        self, ids: Iterable[str], ages_s: Mapping[str, float], now_s: float
    ) -> frozenset[str]:
        """Return those of `ids` that are dead. `ages_s`: the ages of the signs of life that there
        are."""
        known_s = self._last_s
        self._last_s = {
            one: now_s - ages_s[one] if one in ages_s else known_s.get(one, now_s) for one in ids
        }
        if self._calm.note(now_s) < self._calm_s:
            return frozenset()
        return frozenset(
            one for one, at_s in self._last_s.items() if now_s - at_s > self._dead_after_s
        )

    def note_gap(self) -> None:
        """The layer is away: nobody can show that he lives, and nobody can see it."""
        self._calm.note_gap()
