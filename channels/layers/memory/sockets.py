"""What belongs to one socket, by its reply channel: its session and the order of its messages."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from channels.layers.entries import Entry
from channels.layers.limits import ORDERED_BACKLOG
from channels.layers.operations import SaveSession, Turn

#: Seconds for which a forgotten socket is remembered, so that a straggler does not start it anew.
FORGOTTEN_S = 60.0
#: Seconds within which a released message must be begun again.
RELEASED_S = 60.0
#: A socket whose next message neither runs nor is queued for this long is given up.
PATIENCE_S = 25.0
#: The one channel whose message still runs once its socket has been given up.
DISCONNECT = "websocket.disconnect"


class Condition(enum.Enum):
    """Of an ordered socket: IN_ORDER -> BROKEN (given up) -> ENDED (its disconnect runs)."""

    IN_ORDER = "in order"
    BROKEN = "broken"
    ENDED = "ended"


class SocketOrder:
    """Which message of a socket is next, which runs, and which are parked."""

    def __init__(self, first: int) -> None:
        self.condition = Condition.IN_ORDER
        self.next = min(first, 1)  # an unordered connect is 0
        self.running: int | None = None
        self.parked: dict[int, Entry] = {}
        #: When a released message counts as finished, or None.
        self.missed_at: float | None = None
        #: The last time at which something happened that brings the parked ones on.
        self.moved_at = 0.0

    def begin(self, order: int, entry: Entry, now: float) -> Turn:
        """The Turn of message `order`; an early one is parked."""
        if self.condition is not Condition.IN_ORDER:
            return self._begin_broken(order, entry)
        if order < self.next or order == self.running or order in self.parked:
            return Turn.STALE
        if order == self.next:
            self.running = order
            self.missed_at = None
            return Turn.RUN
        if len(self.parked) >= ORDERED_BACKLOG and entry.queue != DISCONNECT:
            self.break_off()
            return Turn.OVERFLOW
        if not self.parked:
            self.moved_at = now
        self.parked[order] = entry
        return Turn.PARKED

    def _begin_broken(self, order: int, entry: Entry) -> Turn:
        if self.condition is Condition.ENDED or entry.queue != DISCONNECT:
            return Turn.STALE
        self.condition = Condition.ENDED
        self.running = order
        return Turn.RUN

    def give_up(self) -> list[Any]:
        """Return all entries that are parked (each engine has its own), and park nothing more."""
        parked, self.parked = list(self.parked.values()), {}
        return parked

    def finish(self, order: int, now: float) -> Entry | None:
        """Message `order` has ended: return the parked one that is next, if it is there."""
        if order < self.next or self.condition is not Condition.IN_ORDER:
            return None
        self.moved_at = now
        self.next = order + 1
        self.running = self.missed_at = None
        return self.parked.pop(self.next, None)

    def release(self, order: int, now: float) -> None:
        """Message `order`, which runs, will come again: let it run then, if it does so in time."""
        if self.running != order:
            return
        self.running = None
        self.missed_at = now + RELEASED_S
        if self.condition is Condition.ENDED:
            self.condition = Condition.BROKEN

    def finish_if_missed(self, now: float) -> Entry | None:
        """A released message that did not come in time has ended; returns what `finish` does."""
        if self.missed_at is None or now < self.missed_at:
            return None
        return self.finish(self.next, now)

    def is_stuck(self, now: float, oldest_queued_at: float) -> bool:
        """Whether messages wait for one that is lost: it neither runs nor is queued."""
        if self.condition is not Condition.IN_ORDER or not self.parked:
            return False
        if self.running is not None or self.missed_at is not None:
            return False
        return self.moved_at + PATIENCE_S <= now and oldest_queued_at > self.moved_at

    def break_off(self) -> None:
        """Let only the disconnect run from now on."""
        self.condition = Condition.BROKEN


class Sockets:
    """The state of all sockets."""

    def __init__(self) -> None:
        self._sessions: dict[str, dict[str, bytes]] = {}
        self._orders: dict[str, SocketOrder] = {}
        self._touched: dict[str, float] = {}
        self._forgotten: dict[str, float] = {}

    def load(self, reply_channel: str, now: float) -> dict[str, bytes]:
        """The session, as {key: packed value}."""
        self._touch(reply_channel, now)
        return dict(self._sessions.get(reply_channel, ()))

    def save(self, operation: SaveSession, now: float) -> None:
        """Merge what a SaveSession changed; a socket that has been forgotten stays so."""
        if self._is_forgotten(operation.reply_channel, now):
            return
        session = self._sessions.setdefault(operation.reply_channel, {})
        for key in operation.removed:
            session.pop(key, None)
        session.update(operation.changed)
        self._touch(operation.reply_channel, now)

    def order(self, reply_channel: str, first: int, now: float) -> SocketOrder | None:
        """The SocketOrder, begun at `first` if there is none; None for a forgotten socket."""
        if self._is_forgotten(reply_channel, now):
            return None
        state = self._orders.setdefault(reply_channel, SocketOrder(first))
        self._touch(reply_channel, now)
        return state

    def known_order(self, reply_channel: str) -> SocketOrder | None:
        """The SocketOrder if there is one, or else None."""
        return self._orders.get(reply_channel)

    def forget(self, reply_channel: str, now: float) -> list[Any]:
        """Let a socket go; return what was still parked of it."""
        self._sessions.pop(reply_channel, None)
        self._touched.pop(reply_channel, None)
        self._forgotten[reply_channel] = now + FORGOTTEN_S
        order = self._orders.pop(reply_channel, None)
        return order.give_up() if order else []

    def sweep(self, now: float, life_s: float, is_live: Callable[[str], bool]) -> list[Entry]:
        """Forget sockets untouched for `life_s`, unless `is_live(reply channel)`.

        Returns the parked messages whose predecessor was released and did not come in time.
        """
        self._forgotten = {name: end for name, end in self._forgotten.items() if end > now}
        for name, touched_at in list(self._touched.items()):
            if touched_at + life_s <= now and not is_live(name):
                self._sessions.pop(name, None)
                self._orders.pop(name, None)
                del self._touched[name]
        freed = [order.finish_if_missed(now) for order in self._orders.values()]
        return [entry for entry in freed if entry is not None]

    def find_stuck(self, now: float, oldest_queued_at: float) -> list[tuple[str, SocketOrder]]:
        """The sockets whose parked messages wait for a lost one: (name, SocketOrder) pairs."""
        return [
            (name, order)
            for name, order in self._orders.items()
            if order.is_stuck(now, oldest_queued_at)
        ]

    def _is_forgotten(self, reply_channel: str, now: float) -> bool:
        return self._forgotten.get(reply_channel, now) > now

    def _touch(self, reply_channel: str, now: float) -> None:
        if reply_channel in self._sessions or reply_channel in self._orders:
            self._touched[reply_channel] = now
