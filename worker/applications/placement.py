"""How many sockets a worker hosts: a limit, and about as many as the others. No I/O here."""

from __future__ import annotations

from collections.abc import Collection

#: A worker gives sockets away if it has so many more than the average, and this share of it more.
SLACK, SLACK_SHARE = 5, 0.1
#: It gives away so many at most before it looks again.
MOST_AT_ONCE = 25


def plan_moves(own: int, all_loads: Collection[int]) -> int:
    """Return how many sockets a worker that hosts `own` should give to others.

    `all_loads`: how many each worker hosts that hosts any, or could, with its own.
    """
    if len(all_loads) < 2:
        return 0
    average = sum(all_loads) / len(all_loads)
    surplus = int(own - average)
    if surplus <= max(SLACK, SLACK_SHARE * average):
        return 0
    return min(surplus, MOST_AT_ONCE)


class Room:
    """Which kinds of sockets a worker takes just now.

    Args:
        most: the most sockets that it hosts; None for no limit.

    Attributes:
        is_above_average: whether it gives sockets away.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self.is_above_average = False

    def takes_new(self, count: int) -> bool:
        """Whether a worker that hosts `count` sockets takes new ones."""
        return self._most is None or count < self._most

    def takes_moved(self, count: int) -> bool:
        """Whether it takes those that other workers give away."""
        return self.takes_new(count) and not self.is_above_average
