"""Why a value can't travel, and why bytes are no state."""

from __future__ import annotations


class CannotTravel(ValueError):
    """A value can't be handed over to another worker.

    Attributes:
        where: the way to it, such as "task" or "players[3].socket".
        kind: the dotted name of its class.
    """

    def __init__(self, where: str, value: object, reason: str = "") -> None:
        kind = type(value)
        self.where = where
        self.kind = f"{kind.__module__}.{kind.__qualname__}"
        super().__init__(f"{where} is a {self.kind}{': ' + reason if reason else ''}")


class UnreadableState(ValueError):
    """Bytes that are no state, or state of a class that this worker does not have."""
