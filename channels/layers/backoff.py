"""How long to wait before something that failed is tried again."""


class Backoff:
    """Gives the waits between tries: `first_s` seconds, then twice as long each time.

    Args:
        first_s: the first wait.
        longest_s: no wait is longer than this.
    """

    __slots__ = ("_first_s", "_longest_s", "_next_s")

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Return the wait before the next try."""
        wait_s = self._next_s
        self._next_s = min(wait_s * 2, self._longest_s)
        return wait_s

    @property
    def is_longest(self) -> bool:
        """Whether it has failed so often that the waits get no longer."""
        return self._next_s >= self._longest_s

    def reset(self) -> None:
        """It worked: the next wait is the first one again."""
        self._next_s = self._first_s
