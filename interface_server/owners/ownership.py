"""One socket's owner: who it is, and what waits while it changes. No I/O and no clock here."""

from __future__ import annotations

from interface_server.asgi import Message

#: Messages of one socket that are kept while it changes its owner; what comes after them is lost.
MOST_HELD = 1_000


class Ownership:
    """The worker that hosts a socket's instance.

    Attributes:
        queue: the name of the owner's queue.
        number: how many owners there have been, with this one.
        is_held: whether the socket is between two owners: nothing may go to either.
        checkpoint: the latest state that the owner sent, or None.
        order: the number of the last frame that was handled by then.
    """

    __slots__ = ("_held", "checkpoint", "is_held", "number", "order", "queue")

    def __init__(self, queue: str, number: int) -> None:
        self.queue = queue
        self.number = number
        self.is_held = False
        self.checkpoint: bytes | None = None
        self.order = 0
        self._held: list[Message] = []

    def is_of(self, queue: str, number: int) -> bool:
        """Whether this is the ownership that a worker speaks of."""
        return queue == self.queue and number == self.number

    def claim(self, queue: str, number: int) -> bool:
        """Let a worker be the owner; return False if another one has been since.

        The owner itself may claim the socket again: it keeps it, as its state can't travel.
        """
        if number <= self.number and not self.is_of(queue, number):
            return False
        self.queue, self.number = queue, number
        self.is_held = False
        return True

    def hold(self) -> None:
        """Let nothing more go to the owner."""
        self.is_held = True

    def keep(self, message: Message) -> bool:
        """Keep a message for the next owner; return False if too many wait."""
        if len(self._held) >= MOST_HELD:
            return False
        self._held.append(message)
        return True

    def take_held(self) -> list[Message]:
        """Return the messages that were kept; they are forgotten."""
        held, self._held = self._held, []
        return held
