"""The frames of a socket that nobody is known to have consumed yet. No I/O and no clock here."""

import collections
import itertools
from dataclasses import dataclass
from typing import Generic, TypeVar

Frame = TypeVar("Frame")


class WindowFull(Exception):
    """A frame was added to a window that had no room: its client should have been held back."""


class FrameGone(Exception):
    """A frame is asked for again that was acknowledged before: nobody keeps it any more."""


@dataclass(slots=True)  # a generic NamedTuple needs Python 3.11
class Numbered(Generic[Frame]):
    """A frame and its number: the first one of a socket has 1."""

    number: int
    frame: Frame
    size: int


class Allowance:
    """How much the sockets of one process may keep together.

    Args:
        frames: the most frames.
        size_bytes: the most bytes in them.
    """

    __slots__ = ("_frames", "_size_bytes", "used_bytes", "used_frames")

    def __init__(self, frames: int, size_bytes: int) -> None:
        self._frames = frames
        self._size_bytes = size_bytes
        self.used_frames = 0
        self.used_bytes = 0

    @property
    def has_room(self) -> bool:
        """Whether one frame more may be kept."""
        return self.used_frames < self._frames and self.used_bytes < self._size_bytes

    def use(self, frames: int, size_bytes: int) -> None:
        """Count frames that are kept from now on; negative figures for those that are not."""
        self.used_frames += frames
        self.used_bytes += size_bytes


class FrameWindow(Generic[Frame]):
    """Holds the unconsumed frames of one socket, in order, each under its number.

    A frame is *due* when it is added; `take_due` gives it out to be sent, and it is *under way*;
    `acknowledge` says that it was consumed (or that it is safe elsewhere), and it is forgotten.

    What is under way may have to be sent again, and the receiver knows it by its number:
    `take_back` when it is known not to have arrived; `release` when somebody else consumes from now
    on, as in a hand-over:

        window.hold()                  # nothing more goes out; what comes in waits here
        ...                            # the old consumer ends, and says what it consumed last
        window.release(after=last)     # all later frames are due again, for the new one

    Args:
        frames: the most frames that are kept. The client is read on while `has_room` says so.
        size_bytes: the most bytes. One frame may pass it: a large one is not refused for ever.
        shared: the Allowance of the process, or None.
        first: the number of the first frame.

    Attributes:
        last_number: the number of the latest frame that was added; `first - 1` before that.
        is_held: whether frames stay here for now.
    """

    __slots__ = ("_frames", "_limits", "_next_due", "_shared", "is_held", "last_number")

    def __init__(
        self, frames: int, size_bytes: int, shared: Allowance | None = None, *, first: int = 1
    ) -> None:
        self._limits = Allowance(frames, size_bytes)
        self._shared = shared
        self._frames: collections.deque[Numbered[Frame]] = collections.deque()
        self._next_due = first
        self.last_number = first - 1
        self.is_held = False

    # -- what there is ------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many frames are kept, due and under way."""
        return len(self._frames)

    @property
    def has_room(self) -> bool:
        """Whether the client may be read on."""
        return self._limits.has_room and (self._shared is None or self._shared.has_room)

    @property
    def size_bytes(self) -> int:
        """The bytes of the frames that are kept."""
        return self._limits.used_bytes

    @property
    def acknowledged(self) -> int:
        """The number up to which all frames are consumed."""
        return self.last_number - len(self._frames)

    @property
    def has_due(self) -> bool:
        """Whether `take_due` would give a frame."""
        return not self.is_held and self._next_due <= self.last_number

    # -- what happens -------------------------------------------------------------------------

    def add(self, frame: Frame, size: int) -> int:
        """Keep a frame of `size` bytes, and return its number. Raises WindowFull."""
        if not self._limits.has_room:
            raise WindowFull(f"a window with {len(self._frames)} frames, {self.size_bytes} bytes")
        self.last_number += 1
        self._frames.append(Numbered(self.last_number, frame, size))
        self._count(1, size)
        return self.last_number

    def take_due(self, limit: int | None = None) -> list[Numbered[Frame]]:
        """Return the frames that are due, in order and at most `limit`; they are under way now."""
        if not self.has_due:
            return []
        start = self._next_due - 1 - self.acknowledged
        stop = None if limit is None else start + limit
        due = list(itertools.islice(self._frames, start, stop))
        self._next_due += len(due)
        return due

    def acknowledge(self, number: int) -> None:
        """All frames up to `number` are consumed. What was acknowledged before is passed over."""
        while self._frames and self._frames[0].number <= number:
            self._count(-1, -self._frames.popleft().size)
        self._next_due = max(self._next_due, self.acknowledged + 1)

    def take_back(self, number: int = 0) -> None:
        """The frames under way, from `number` on, have not arrived: they are due again."""
        self._next_due = min(self._next_due, max(number, self.acknowledged + 1))

    def hold(self) -> None:
        """Give out nothing until `release`."""
        self.is_held = True

    def release(self, after: int | None = None) -> None:
        """Give out frames again. With `after`, all up to that number are consumed, and all later
        ones are due, those that were under way, too. Raises FrameGone if one of them is gone."""
        if after is not None:
            if after < self.acknowledged:
                raise FrameGone(
                    f"frame {after + 1} is asked for again, but all up to {self.acknowledged} are "
                    "acknowledged"
                )
            self.acknowledge(after)
            self.take_back()
        self.is_held = False

    def clear(self) -> int:
        """Forget every frame: the socket has gone. Returns how many there were."""
        count = len(self._frames)
        self.acknowledge(self.last_number)
        return count

    def _count(self, frames: int, size: int) -> None:
        self._limits.use(frames, size)
        if self._shared is not None:
            self._shared.use(frames, size)
