"""One socket's owner: who it is, and what waits while it changes. No I/O and no clock here."""

from __future__ import annotations

import collections
import dataclasses

from channels.messages import WebsocketReceive
from interface_server.asgi import Message

#: Messages of one socket that are kept while it changes its owner; what comes after them is lost.
MOST_HELD = 1_000


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What an instance was when it had handled a frame.

    Attributes:
        state: what it had on itself, packed.
        order: the number of the frame.
    """

    state: Message
    order: int


class Ownership:
    """The worker that hosts a socket's instance.

    Attributes:
        queue: the name of the owner's queue.
        number: how many owners there have been, with this one.
        is_lost: whether the owner is dead, and the socket is closed for that.
        is_held: whether the socket is between two owners: nothing may go to either.
        opening: the handshake's message, once the owner has sent a checkpoint.
        checkpoint: the latest one, or None.
        frames: those that have come since then, for an owner that takes over after a death.
    """

    __slots__ = (
        "_held",
        "checkpoint",
        "frames",
        "is_held",
        "is_lost",
        "number",
        "opening",
        "queue",
    )

    def __init__(self, queue: str, number: int) -> None:
        self.queue = queue
        self.number = number
        self.is_held = self.is_lost = False
        self.opening: Message | None = None
        self.checkpoint: Checkpoint | None = None
        self.frames: collections.deque[WebsocketReceive] = collections.deque()
        self._held: list[Message] = []

    def is_of(self, queue: str, number: int) -> bool:
        """Whether this is the ownership that a worker speaks of."""
        return queue == self.queue and number == self.number

    def claim(self, queue: str, number: int, order: int) -> bool:
        """Let a worker be the owner, which has handled frame `order`; return False if another one
        has been since.

        The owner itself may claim the socket again: it keeps it, as its state can't travel.
        """
        if number <= self.number and not self.is_of(queue, number):
            return False
        self.queue, self.number = queue, number
        self.forget_frames(order)
        return True

    def note_frame(self, message: WebsocketReceive) -> None:
        """A frame goes to the owner: keep it until the next checkpoint, if there are any."""
        if self.checkpoint is not None:
            self.frames.append(message)

    def forget_frames(self, order: int) -> None:
        """All frames up to this one were handled."""
        while self.frames and self.frames[0]["order"] <= order:
            self.frames.popleft()

    @property
    def has_many_frames(self) -> bool:
        """Whether the client is to be held back, until some were handled."""
        return len(self.frames) >= MOST_HELD

    def hold(self) -> None:
        """Let nothing more go to the owner."""
        self.is_held = True

    def release(self) -> list[Message]:
        """Let messages go to the owner again; return those that were kept, which are forgotten."""
        self.is_held = False
        held, self._held = self._held, []
        return held

    def keep(self, message: Message) -> bool:
        """Keep a message for the next owner; return False if too many wait."""
        if len(self._held) >= MOST_HELD:
            return False
        self._held.append(message)
        return True
