"""How a message finds its consumer: patterns compiled once, followed on the values, nothing copied.

Each belongs to a key of the message, and must match at the start of what earlier ones have left of
its value; what it matches is then used up, and its named groups become keyword arguments, later
ones over earlier ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from channels.message import Message

#: A key of the message, and what its value must match.
KeyPattern: TypeAlias = tuple[str, re.Pattern[str]]
#: A consumer, and the keyword arguments that it gets.
Match: TypeAlias = tuple[Any, dict[str, Any]]


def as_text(value: object) -> str | None:
    """Return what filters match of a value: text, bytes as Latin-1, and None for all else."""
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else None


def follow(
    patterns: Iterable[KeyPattern], content: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Return (keyword arguments, what is left of each value) if `content` passes, or None."""
    kwargs: dict[str, Any] = {}
    rest: dict[str, str] = {}
    for key, pattern in patterns:
        text = rest[key] if key in rest else as_text(content.get(key))
        if text is None:
            return None
        found = pattern.match(text)
        if found is None:
            return None
        kwargs.update(found.groupdict())
        rest[key] = text[found.end() :]
    return kwargs, rest


class Candidate:
    """A consumer, with the patterns of its route and of the includes around it."""

    __slots__ = ("consumer", "patterns", "route")

    def __init__(self, consumer: Any, patterns: tuple[KeyPattern, ...], route: Any) -> None:
        self.consumer, self.patterns, self.route = consumer, patterns, route

    @property
    def takes_all(self) -> bool:
        """Whether no message gets past it."""
        return not self.patterns

    def match(self, message: Message) -> Match | None:
        """Return (consumer, keyword arguments), or None."""
        if not self.patterns:
            return self.consumer, {}
        found = follow(self.patterns, message.content)
        return (self.consumer, found[0]) if found else None


class ForeignCandidate:
    """Somebody else's object that has a `match(message)`, behind the patterns of includes."""

    __slots__ = ("consumer", "patterns", "route")

    takes_all = False

    def __init__(self, routable: Any, patterns: tuple[KeyPattern, ...]) -> None:
        self.consumer, self.route, self.patterns = None, routable, patterns

    def match(self, message: Message) -> Match | None:
        """Return (consumer, keyword arguments), or None; it sees values without their prefixes."""
        found = follow(self.patterns, message.content)
        if found is None:
            return None
        kwargs, rest = found
        if rest:
            content = {**message.content, **rest}
            message = type(message)(content, message.channel.name, message.channel_layer)
        matched = self.route.match(message)
        return (matched[0], {**kwargs, **matched[1]}) if matched else None


#: What can stand in a Table.
AnyCandidate: TypeAlias = Candidate | ForeignCandidate


class Table:
    """Candidates by their channels, in order, without those that are never reached.

    Args:
        candidates: an iterable of (channel, candidate).

    Attributes:
        rows: channel -> its candidates.
    """

    def __init__(self, candidates: Iterable[tuple[str, AnyCandidate]]) -> None:
        self.rows: dict[str, list[AnyCandidate]] = {}
        for channel, candidate in candidates:
            row = self.rows.setdefault(channel, [])
            if not (row and row[-1].takes_all):
                row.append(candidate)

    def match(self, message: Message) -> Match | None:
        """Return (consumer, keyword arguments) of the first candidate that matches, or None."""
        for candidate in self.rows.get(message.channel.name, ()):
            found = candidate.match(message)
            if found is not None:
                return found
        return None
