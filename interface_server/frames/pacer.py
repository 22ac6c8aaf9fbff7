"""The line of the sockets of one process whose frames the layer has no room for just now."""

import asyncio
import collections
import itertools
import logging
from typing import Protocol

from channels.exceptions import ChannelFull
from channels.layers.throttle import Throttle
from interface_server.frames.pace import Pace

logger = logging.getLogger("interface_server")

#: How often it is looked after sockets whose frame waits for too long.
_LOOK_EVERY_S = 0.5
#: Seconds between two lines in the log that say that clients are held back.
_TELL_EVERY_S = 5.0


class Sender(Protocol):
    """One who has a frame to send: the FrameIntake of a socket."""

    def try_again(self) -> None:
        """Send the frame that was refused once more."""

    def give_up(self, error: Exception | None) -> None:
        """It has waited for too long, because of `error` if that is known."""


class Pacer:
    """Knows every frame that is not taken yet, and lets those that were refused try again in turn.

    While somebody waits in the line, others queue up behind: nobody overtakes.

    Args:
        loop: the event loop.
        patience_s: how long a frame may wait for room, or for the layer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, patience_s: float) -> None:
        self._loop = loop
        self._patience_s = patience_s
        #: Who waits, and who is tried just now: since when.
        self._line: collections.OrderedDict[Sender, float] = collections.OrderedDict()
        self._tried: dict[Sender, float] = {}
        #: Who was tried and refused, with the same.
        self._refused: dict[Sender, float] = {}
        #: Whose frame is on its way without having waited: since when. The oldest comes first.
        self._under_way: dict[Sender, float] = {}
        self._error: Exception | None = None
        self._pace = Pace()
        self._taken = 0
        self._round: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._throttle: Throttle[str] = Throttle(_TELL_EVERY_S, loop.time)
        self._began_at = 0.0
        self._most = 0

    @property
    def has_line(self) -> bool:
        """Whether frames wait for room, so that new ones have to wait as well."""
        return bool(self._line or self._tried or self._refused)

    @property
    def waiting(self) -> int:
        """How many sockets wait."""
        return len(self._line) + len(self._tried) + len(self._refused)

    # -- what senders tell ----------------------------------------------------------------------

    def begin(self, sender: Sender) -> None:
        """A frame is on its way."""
        if not self._tried or sender not in self._tried:
            self._under_way[sender] = self._loop.time()
            if self._look is None:
                self._look_later()

    def note_taken(self, sender: Sender) -> None:
        """The frame was taken, or is not sent any more."""
        if self._under_way.pop(sender, None) is None and sender in self._tried:
            del self._tried[sender]
            self._taken += 1
            self._end_round()

    def note_refused(self, sender: Sender, error: Exception) -> None:
        """There is no room for the frame, or no layer: it waits for its turn."""
        self._error = error
        since = self._under_way.pop(sender, None)
        if since is not None:
            self._queue_at(sender, since)
        elif sender in self._tried:
            self._refused[sender] = self._tried.pop(sender)
            self._end_round()

    def queue_up(self, sender: Sender) -> None:
        """A frame waits behind those of others."""
        self._queue_at(sender, self._loop.time())

    def leave(self, sender: Sender) -> bool:
        """A sender does not want to send any more; returns whether it was waiting in the line."""
        waited = (self._line.pop(sender, None), self._refused.pop(sender, None))
        return any(since is not None for since in waited)

    # -- turns ----------------------------------------------------------------------------------

    def _queue_at(self, sender: Sender, since: float) -> None:
        if not self.has_line:
            self._began_at, self._most = since, 0
            self._pace = Pace()
            self._start_round_later()
            self._tell_held()
        self._line[sender] = since
        self._most = max(self._most, self.waiting)
        self._look_later()

    def _start_round_later(self) -> None:
        if self._round is None:
            self._round = self._loop.call_later(self._pace.delay_s, self._start_round)

    def _start_round(self) -> None:
        self._round = None
        self._taken = 0
        senders = list(itertools.islice(self._line, self._pace.burst))
        for sender in senders:
            self._tried[sender] = self._line.pop(sender)
        for sender in senders:
            sender.try_again()
        self._end_round()

    def _end_round(self) -> None:
        """Once all who were tried are done with, let the next ones try."""
        if self._tried or self._round is not None:
            return
        self._pace.note(self._taken, len(self._refused))
        for sender in reversed(self._refused):  # nobody overtakes: they stand where they stood
            self._line[sender] = self._refused[sender]
            self._line.move_to_end(sender, last=False)
        self._refused.clear()
        if self._line:
            self._start_round_later()
        else:
            self._tell_free()

    # -- patience -------------------------------------------------------------------------------

    def _look_later(self) -> None:
        if self._look is None:
            self._look = self._loop.call_later(_LOOK_EVERY_S, self._look_at_all)

    def _look_at_all(self) -> None:
        self._look = None
        latest = self._loop.time() - self._patience_s
        for waiting, error in (
            (self._line, self._error),
            (self._tried, self._error),
            (self._under_way, None),
        ):
            for sender in _older_than(waiting, latest):
                del waiting[sender]
                sender.give_up(error)
        self._end_round()
        if self._line or self._tried or self._under_way:
            self._look_later()

    # -- what an operator is told -----------------------------------------------------------------

    def _tell_held(self) -> None:
        if isinstance(self._error, ChannelFull) and self._throttle.note("held") is not None:
            logger.warning(
                "%s; frames wait at this server, and their clients are held back, for %.0f s at "
                "most",
                self._error,
                self._patience_s,
            )

    def _tell_free(self) -> None:
        lasted_s = self._loop.time() - self._began_at
        if self._most and lasted_s >= 1.0:
            logger.info("frames go out again: %d sockets waited, for %.1f s", self._most, lasted_s)
        self._most = 0


def _older_than(waiting: dict[Sender, float], latest: float) -> list[Sender]:
    """Those who wait since `latest` or before. The oldest come first, nearly always."""
    old = []
    for sender, since in waiting.items():
        if since > latest:
            break
        old.append(sender)
    return old
