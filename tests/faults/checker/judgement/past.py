"""A history, sorted and looked up; and what its faults may have touched."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Collection, Iterable
from typing import Any

Event = dict[str, Any]

#: For so long nothing is lost or closed because something stands still (`websocket_patience`); a
#: little less, as clocks are read late.
PATIENCE_S = 28.0
#: What a pause that is longer counts as, too: who waits for Redis has given up by then, and what
#: Redis hands to a connection that was given up is lost.
LONG_PAUSE = "long pause"
#: Faults that may lose a message that is on its way just then.
LOSSY = frozenset(
    [
        "kill worker",
        "kill server",
        "cut connections",
        "cut network",
        "kill Redis",
        "lose last moments",
        "wipe Redis",
        LONG_PAUSE,
    ]
)
#: Faults after which Redis knows less than it has said: what was taken may come again.
FORGETFUL = frozenset(["lose last moments", "wipe Redis"])
#: Faults that may lose what one process has just taken out of Redis, and nothing else.
CUTS = LOSSY - {"kill worker", "kill server"}
#: What stands still, or lets nothing through.
PAUSES = frozenset(
    [
        "freeze Redis",
        "pause clients",
        "freeze server",
        "freeze worker",
        "silent network",
        "no worker",
    ]
)
#: A worker that stands still for so long may count as dead: what it runs is ended for it.
_DEAD_AFTER_S = 28.0
#: Those in which a connection to Redis may be given up, if they are long.
_GIVING_UP = PAUSES - {"freeze worker", "no worker"}
#: How long before a fault, and after it, something may be touched by it, in seconds.
BEFORE_S, AFTER_S = 5.0, 15.0
#: Within this long every server knows that Redis has lost its last moments.
NOTICED_S = 10.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """A broken promise, and the events that show it."""

    promise: str
    text: str
    events: tuple[Event, ...] = ()


def end_of(fault: Event) -> float:
    """When a fault was over."""
    until: float = fault["until"] if "until" in fault else fault["at"]
    return until


def kinds_of(fault: Event) -> frozenset[str]:
    """What a fault counts as: its name, and maybe LONG_PAUSE."""
    is_long = fault["name"] in _GIVING_UP and end_of(fault) - fault["at"] >= PATIENCE_S
    return frozenset([fault["name"], LONG_PAUSE] if is_long else [fault["name"]])


class Past:
    """A history, sorted and looked up by kind.

    Args:
        events: see history.py.
        threads: how many consumer threads a worker has.
    """

    def __init__(self, events: Iterable[Event], threads: int = 1) -> None:
        self.events = sorted(events, key=lambda event: event["at"])
        self.threads = threads
        self._by_kind: dict[str, list[Event]] = collections.defaultdict(list)
        for event in self.events:
            self._by_kind[event["event"]].append(event)

    def of(self, kind: str, **facts: Any) -> list[Event]:
        """The events of a kind with these facts."""
        found = self._by_kind[kind]
        for name, value in facts.items():
            found = [event for event in found if name in event and event[name] == value]
        return list(found)

    def grouped(self, fact: str, *kinds: str) -> dict[Any, list[Event]]:
        """{value of a fact: the events of these kinds that have it}, in their order."""
        groups: dict[Any, list[Event]] = collections.defaultdict(list)
        events = itertools.chain.from_iterable(self._by_kind[kind] for kind in kinds)
        for event in sorted(events, key=lambda event: event["at"]):
            groups[event[fact]].append(event)
        return groups

    def taken_for_dead(self) -> list[Event]:
        """The faults in which a worker stood still for so long that it counted as dead."""
        return [
            fault
            for fault in self._by_kind["fault"]
            if fault.get("frozen")
            and "freeze worker" in kinds_of(fault)
            and end_of(fault) - fault["at"] >= _DEAD_AFTER_S
        ]

    def faults_near(
        self,
        begin: float,
        end: float,
        names: Collection[str] = LOSSY,
        *,
        before_s: float = BEFORE_S,
        after_s: float = AFTER_S,
    ) -> list[Event]:
        """The faults that may have touched what was under way from `begin` to `end`."""
        return [
            fault
            for fault in self._by_kind["fault"]
            if not kinds_of(fault).isdisjoint(names)
            and fault["at"] - before_s < end
            and end_of(fault) + after_s > begin
        ]

    def is_calm(self, begin: float, end: float, names: Collection[str] = LOSSY) -> bool:
        """Whether none of these faults came near the time between `begin` and `end`."""
        return not self.faults_near(begin, end, names)

    def was_just_lost(self, *times: float) -> bool:
        """Whether Redis has lost its last moments, and by all these times a server may not have
        noticed."""
        losses = self.of("fault", name="lose last moments")
        return any(
            fault["at"] < min(times) <= max(times) < end_of(fault) + NOTICED_S for fault in losses
        )

    def stood_still(self, begin: float, end: float) -> bool:
        """Whether a fault let no worker run anything, from shortly after `begin` to `end`."""
        return any(
            fault["at"] - BEFORE_S < begin
            and end < end_of(fault)
            and not self._ran_between(fault["at"] + BEFORE_S, end)
            for fault in self._by_kind["fault"]
            if fault["name"] in PAUSES
        )

    def _ran_between(self, begin: float, end: float) -> bool:
        """Whether a consumer noted anything down in this time."""
        return any("pid" in event and begin < event["at"] < end for event in self.events)

    def count(self, *names: str) -> int:
        """How often these faults happened."""
        return sum(fault["name"] in names for fault in self._by_kind["fault"])

    def was_wiped_after(self, at: float) -> bool:
        """Whether Redis came back empty at a later time."""
        return any(end_of(fault) >= at for fault in self.of("fault", name="wipe Redis"))

    @property
    def in_flight(self) -> int:
        """How many messages may have been on their way to workers when connections were cut."""
        per_cut = self.threads * max(1, len(self.of("workers")) or 4)
        cuts = [fault for fault in self.of("fault") if not kinds_of(fault).isdisjoint(CUTS)]
        return len(cuts) * per_cut
