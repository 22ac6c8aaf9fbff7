"""Regular expressions on the values of a message, compiled once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from routing.errors import RouteProblem
from routing.matching import as_text

#: What a filter can be.
Filter: TypeAlias = str | bytes | re.Pattern[str]


def compile_filters(filters: Mapping[str, Any]) -> dict[str, re.Pattern[str]]:
    """Return key -> compiled pattern. Raises RouteProblem."""
    return {key: _compile(key, pattern) for key, pattern in filters.items()}


def _compile(key: str, pattern: Any) -> re.Pattern[str]:
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    text = as_text(pattern)
    if text is None:
        raise RouteProblem(
            f"the filter for {key!r} must be a regular expression, as str; "
            f"got {type(pattern).__name__} {pattern!r}"
        )
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise RouteProblem(f"the filter for {key!r} is no regular expression: {error}") from error


def refuse_positional_groups(filters: Mapping[str, re.Pattern[str]]) -> None:
    """Raise RouteProblem if a pattern has groups without a name: they could not be passed on."""
    for key, pattern in filters.items():
        if has_positional_groups(pattern):
            raise RouteProblem(
                f"the filter for {key!r} contains positional groups; only named groups are "
                "allowed: write (?P<name>…) for what the consumer is to get, (?:…) for the rest"
            )


def has_positional_groups(pattern: re.Pattern[str]) -> bool:
    """Whether a compiled pattern has groups without a name."""
    return pattern.groups != len(pattern.groupindex)
