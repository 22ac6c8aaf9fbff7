"""What has come to an instance so far: each frame and each message is taken once. No I/O here."""

from __future__ import annotations

import enum


class Arrival(enum.Enum):
    """What a frame or a message is."""

    NEXT = "next"
    KNOWN = "known"
    TOO_FAR = "too far"


class Arrivals:
    """Knows the frames of a socket by their orders, and the messages to its instance by places.

    Orders have no gaps: a frame that comes too early shows that one before it is lost. Places rise.

    Args:
        order, place: the last ones that have come to the instance on another worker.
    """

    def __init__(self, order: int = 0, place: int = 0) -> None:
        self._order, self._place = order, place

    def note_frame(self, order: int) -> Arrival:
        """A frame has come: say what it is."""
        if order <= self._order:
            return Arrival.KNOWN
        if order > self._order + 1:
            return Arrival.TOO_FAR
        self._order = order
        return Arrival.NEXT

    def note_message(self, place: int) -> Arrival:
        """A message to the instance has come: say what it is."""
        if place <= self._place:
            return Arrival.KNOWN
        self._place = place
        return Arrival.NEXT
