"""The hint behind an error that names something unknown."""

import difflib
from collections.abc import Iterable


def find_nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of the `known` words that is most like `word`, or None.

    `cutoff`: how alike it must be, from 0 (anything is) to 1 (equal), as in `difflib`.
    """
    return next(iter(difflib.get_close_matches(word, list(known), 1, cutoff)), None)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return "; did you mean 'x'?" for the nearest of the `known` words, or "" if none is near."""
    nearest = find_nearest(word, known, cutoff)
    return f"; did you mean {nearest!r}?" if nearest else ""
