"""Tables and times as commands print them."""

from __future__ import annotations

import time
from collections.abc import Sequence


def format_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return lines with rows of values below headers, in columns; none if there are no rows.
    Numbers stand to the right."""
    if not rows:
        return []
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    is_number = [all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(headers))]
    lines = []
    for line in (headers, *cells):
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return lines


def _text(value: object) -> str:
    return "-" if value is None or value == "" else str(value)


def format_age(seconds: float) -> str:
    """Return a length of time in the unit that fits, as "0.3 s", "12 s", "5 min", "3 h"."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    for limit_s, unit_s, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def format_time(timestamp: float) -> str:
    """Return a time in seconds since 1970 as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(timestamp))
