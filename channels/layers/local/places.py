"""Where a local layer lies, and how large it may be, as CHANNEL_LAYERS says it."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from channels.layers.local.wakeups import LONGEST_PATH

#: The prefix of asgi_ipc 1.x, and what one may look like.
PREFIX = "asgi"
_PREFIX = re.compile(r"[a-zA-Z0-9_.-]{1,40}")


def check_prefix(prefix: object) -> str:
    """Return `prefix` if it can be one. Raises ValueError."""
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ValueError(
            "prefix must be up to 40 letters, digits, '-', '_' and '.', as it is part of the name "
            f"of a folder; got {prefix!r}"
        )
    return prefix


def choose_folder(folder: str | os.PathLike[str] | None, prefix: str) -> Path:
    """Return `folder`, or the one of this user and prefix. Raises ValueError."""
    if folder is None:
        folder = Path(tempfile.gettempdir(), f"channels-{os.getuid()}-{prefix}")
    path = Path(folder).absolute()
    if len(os.fsencode(path)) > LONGEST_PATH - 32:
        raise ValueError(
            f"folder must have a path of at most {LONGEST_PATH - 32} bytes, as Unix sockets lie in "
            f"it; got {os.fspath(path)!r}"
        )
    return path


def sum_memory(channel_memory: int | None, group_memory: int | None) -> int | None:
    """Return how many bytes the file may take; None if that has no limit. Raises ValueError."""
    for name, value in (("channel_memory", channel_memory), ("group_memory", group_memory)):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"{name} must be a number of bytes, got {value!r}")
    if channel_memory is None and group_memory is None:
        return None
    return (channel_memory or 0) + (group_memory or 0)
