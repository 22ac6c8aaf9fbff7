"""One socket's owner: who it is, and what waits while it changes. No I/O and no clock here."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from channels.messages import Content, WebsocketReceive

#: Messages of one socket that are kept while it changes its owner; what comes after them is lost.
MOST_HELD = 1_000


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What an instance was when it had handled something.

    Attributes:
        state: what it had on itself, packed.
        order: the number of the last frame that it had handled.
        place: that of the last message.
    """

    state: Content
    order: int
    place: int


@dataclasses.dataclass(frozen=True)
class Sent:
    """What an owner was sent and may not have handled.

    Attributes:
        message: the frame; or what is for the instance.
        order: the number of the frame; None for a message to the instance.
        place: the number of such a message.
    """

    message: Content
    order: int | None
    place: int


class Ownership:
    """The worker that hosts a socket's instance.

    Attributes:
        queue: the name of the owner's queue.
        number: how many owners there have been, with this one.
        is_lost: whether the owner is dead, and the socket is closed for that.
        is_held: whether the socket is between two owners: nothing may go to either.
        is_fenced: whether its owner is to hand it over: what is held is for the next one.
        is_handed_over: whether the owner has let go of the socket, and nobody has it yet.
        opening: the handshake's message, once the owner has sent a checkpoint.
        checkpoint: the latest one, or None.
        keeps: whether there will be checkpoints.
        sent: what has gone to the owner since the latest one, for an owner that takes over after a
            death.
        handles: the types of events for the client that the instance wants to see first.
    """

    __slots__ = (
        "_heard",
        "_held",
        "_unanswered",
        "checkpoint",
        "handles",
        "is_fenced",
        "is_handed_over",
        "is_held",
        "is_lost",
        "keeps",
        "number",
        "opening",
        "queue",
        "sent",
    )

    def __init__(self, queue: str, number: int) -> None:
        self.queue = queue
        self.number = number
        self.is_held = self.is_fenced = self.is_lost = self.is_handed_over = False
        self.opening: Content | None = None
        self.checkpoint: Checkpoint | None = None
        self.keeps = False
        self.sent: collections.deque[Sent] = collections.deque()
        self.handles: Sequence[str] = ()
        self._held: list[Content] = []
        #: What others have sent to the client before its handshake was answered.
        self._unanswered: list[Content] = []
        #: The number of the latest message that its owner has sent to the client.
        self._heard = 0

    def hears(self, message: Content) -> bool:
        """Whether a message of the owner is new: one that may have been sent is sent again, and a
        Redis that has lost its last moments gives again what was taken."""
        number = message.get("n")
        if number is not None:
            if number <= self._heard:
                return False
            self._heard = number
        return True

    def is_of(self, queue: str, number: int) -> bool:
        """Whether this is the ownership that a worker speaks of."""
        return queue == self.queue and number == self.number

    @property
    def is_in_hand(self) -> bool:
        """Whether the socket goes with its owner, should that die."""
        return bool(self.queue) and not (self.is_lost or self.is_handed_over)

    def claim(self, message: Content) -> bool:
        """Let a worker be the owner, as its message OWN says; return False if another one has been
        since. The owner itself may claim the socket again: see `ends_hold`."""
        queue, number = message["queue"], message["number"]
        if number <= self.number and not self.is_of(queue, number):
            return False
        if queue != self.queue:
            self._heard = 0
        self.is_fenced = self.is_fenced and not self.ends_hold(message)
        self.queue, self.number, self.is_handed_over = queue, number, False
        self.keeps, self.handles = message.get("keeps", False), message.get("handles", ())
        self._forget(message["order"], message["place"])
        return True

    def ends_hold(self, message: Content) -> bool:
        """Whether a claim, before it is made, lets go what is held. The owner's own does so if it
        keeps the socket, as its state can't travel; not if it only knows more of its consumer by
        now: it is still to move."""
        is_owner = self.is_of(message["queue"], message["number"])
        return not is_owner or bool(message.get("stays"))

    def hand_over(self, message: Content) -> bool:
        """The owner has let go of the socket, as its HAND_OVER says; return False if that is
        not the owner, or has been said."""
        if self.is_handed_over or not self.is_of(message["queue"], message["number"]):
            return False
        self.is_handed_over = True
        return True

    def note_frame(self, frame: WebsocketReceive) -> None:
        """A frame goes to the owner, or once more: keep it until the next checkpoint, if there are
        any."""
        if self.keeps and not any(one.order == frame["order"] for one in self.sent):
            self.sent.append(Sent(cast(Content, frame), frame["order"], 0))

    def note_message(self, message: Content, place: int) -> None:
        """The same for a message to the instance."""
        if self.keeps and len(self.sent) < MOST_HELD:
            self.sent.append(Sent(message, None, place))

    def note_checkpoint(self, message: Content) -> None:
        """The owner says what the instance is, and up to where it has handled what it was sent."""
        self.opening = message.get("opening") or self.opening
        self.checkpoint = Checkpoint(message["state"], message["order"], message["place"])
        self._forget(message["order"], message["place"])

    def _forget(self, order: int, place: int) -> None:
        """All frames up to this one were handled, and all messages up to that one."""
        while self.sent and _is_handled(self.sent[0], order, place):
            self.sent.popleft()

    def address(self, frame: Mapping[str, Any]) -> Content:
        """A frame as the owner is sent it."""
        return {**frame, "type": "websocket.receive", "number": self.number}

    def disown(self, reply_channel: str) -> Content | None:
        """The owner is dead: return what lets another worker go on from its last checkpoint, or
        None if there is none."""
        if self.checkpoint is None or self.opening is None:
            return None
        self.number += 1  # what the dead one may still say is not the owner's any more
        self.queue = ""
        return {
            "reply_channel": reply_channel,
            "opening": self.opening,
            "number": self.number + 1,
            "order": self.checkpoint.order,
            "place": self.checkpoint.place,
            "state": self.checkpoint.state,
        }

    @property
    def takes_frames(self) -> bool:
        """Whether the next frame may go to the owner now; else the client is held back, until the
        socket has a new owner, or some frames were handled."""
        return not self.is_held and len(self.sent) < MOST_HELD

    def hold(self) -> None:
        """Let nothing more go to the owner."""
        self.is_held = True

    def release(self) -> list[Content]:
        """Let messages go to the owner again; return those that were kept, which are forgotten."""
        self.is_held = False
        held, self._held = self._held, []
        return held

    def keep_until_answered(self, message: Content) -> None:
        """Keep what somebody else sends to the client, until the owner has accepted it."""
        if len(self._unanswered) < MOST_HELD:
            self._unanswered.append(message)

    def take_unanswered(self) -> list[Content]:
        """The handshake is answered: return what was kept till then, which is forgotten."""
        kept, self._unanswered = self._unanswered, []
        return kept

    def keep(self, message: Content) -> bool:
        """Keep a message for the next owner; return False if too many wait."""
        if len(self._held) >= MOST_HELD:
            return False
        self._held.append(message)
        return True


def _is_handled(sent: Sent, order: int, place: int) -> bool:
    return sent.place <= place if sent.order is None else sent.order <= order
