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


def explain_unknown(keys: Iterable[str], known: Iterable[str]) -> str:
    """Return a list of `keys`, none of which is known, and which of the `known` was meant."""
    keys, known = sorted(keys), sorted(known)
    listed = ", ".join(keys) or "it has none"
    for key in keys:
        nearest = find_nearest(key, known)
        if nearest:
            return f"{listed}; did you mean {nearest!r}, not {key!r}?"
    return f"{listed}; it takes {', '.join(known)}"
