"""Which channels a worker listens on: `--only-channels` and `--exclude-channels`."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence


def filter_channels(
    channels: Iterable[str], only: Sequence[str] | None = None, exclude: Sequence[str] | None = None
) -> list[str]:
    """Return those of `channels` that match a glob in `only` (if any) and none in `exclude`, as a
    list in their order."""
    chosen = [name for name in channels if not only or _matches(name, only)]
    return [name for name in chosen if not (exclude and _matches(name, exclude))]


def unmatched(patterns: Sequence[str] | None, channels: Iterable[str]) -> list[str]:
    """Return those of `patterns` that match none of `channels`."""
    return [glob for glob in patterns or () if not fnmatch.filter(channels, glob)]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in patterns)
