"""Which channels a worker listens on: `--only-channels` and `--exclude-channels`."""

import fnmatch


def filter_channels(channels, only=None, exclude=None):
    """Return those of `channels` that match a glob in `only` (if any) and none in `exclude`, as a
    list in their order."""
    chosen = [name for name in channels if not only or _matches(name, only)]
    return [name for name in chosen if not (exclude and _matches(name, exclude))]


def unmatched(patterns, channels):
    """Return those of `patterns` that match none of `channels`."""
    return [glob for glob in patterns or () if not fnmatch.filter(channels, glob)]


def _matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, glob) for glob in patterns)
