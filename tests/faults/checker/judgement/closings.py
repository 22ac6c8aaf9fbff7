"""No socket is closed for a trouble that is shorter than the patience: rule and exceptions.

`websocket_patience` is 30 s. A socket may be closed by the site only if a fault excuses it;
README.md has this as a table:

- its interface server was killed or stopped, or stood still for the patience: any code;
- Redis came back empty: 1012, or 1011 for what waited in vain;
- Redis lost its last moments: 1012;
- Redis or a connection broke off in the middle: what had just been taken out of Redis is lost, and
  its socket is closed (1011 or 1012);
- a worker died: the instances that it hosted, unless they have checkpoints (1012); and ordered
  sockets, for the messages in its hands (1011). A worker that shows no sign of life for 9 s is dead
  to its instances;
- what stands still, all in all, for as long as the patience, in the time before: any code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.faults.checker.judgement.instances import GIVEN_UP_AFTER_S, STANDING_STILL, Lives
from tests.faults.checker.judgement.past import PATIENCE_S, PAUSES, Event, Finding, Past, end_of

#: The codes with which sockets are closed because of a trouble, and not because a server stops.
CLOSED_BY_US = frozenset([1006, 1011, 1012, 1013])
#: The troubles of so long a time before a closing are added up.
ADDED_UP_OVER_S = 60.0
#: How long after a fault a socket may be closed for it.
SOON_S = 20.0
#: How long after a loss an ordered socket may be given up that waits for what is lost.
GIVEN_UP_S = 60.0


class Closing:
    """A socket that was closed by the site: who it was, and which faults may be the reason."""

    def __init__(self, past: Past, lives: Lives, event: Event, opened: Event) -> None:
        self.past, self.event = past, event
        self.at, self.code = event["at"], event["code"]
        self.kind, self.port = opened.get("kind", "ordered"), opened.get("port")
        socket = event.get("socket")
        self.stints = lives.by_socket.get(socket, []) if socket else []

    @property
    def is_ordered(self) -> bool:
        return bool(self.kind == "ordered")

    @property
    def has_checkpoints(self) -> bool:
        return bool(self.kind.endswith("kept"))

    def was_hit_by(self, fault: Event) -> bool:
        """Whether a fault of the interface server was one of its own."""
        return self.port is None or self.port in fault.get("ports", ())

    def was_on(self, fault: Event) -> bool:
        """Whether the worker of a fault may have hosted it: those whose host nobody knows may."""
        pids = {*fault.get("pids", ()), *fault.get("frozen", ())}
        return not self.stints or any(stint.pid in pids for stint in self.stints)


Excuse = Callable[[Closing, Event], bool]


def _by_its_server(closing: Closing, fault: Event) -> bool:
    return closing.was_hit_by(fault)


def _by_an_empty_redis(closing: Closing, fault: Event) -> bool:
    return closing.code in (1011, 1012)


def _by_lost_moments(closing: Closing, fault: Event) -> bool:
    return bool(closing.code == 1012)


def _by_a_cut(closing: Closing, fault: Event) -> bool:
    return closing.code in (1011, 1012)


def _by_a_death(closing: Closing, fault: Event) -> bool:
    if closing.is_ordered:
        return closing.code in (1011, 1012)
    return closing.code == 1012 and not closing.has_checkpoints and closing.was_on(fault)


def _by_a_silent_worker(closing: Closing, fault: Event) -> bool:
    lasted_s = end_of(fault) - fault["at"]
    return (
        lasted_s >= GIVEN_UP_AFTER_S
        and closing.code == 1012
        and not (closing.is_ordered or closing.has_checkpoints)
        and closing.was_on(fault)
    )


#: Fault -> (who is excused, for how many seconds after it).
EXCUSES: dict[str, tuple[Excuse, float]] = {
    "kill server": (_by_its_server, SOON_S),
    "stop server": (_by_its_server, SOON_S),
    "wipe Redis": (_by_an_empty_redis, GIVEN_UP_S),
    "lose last moments": (_by_lost_moments, SOON_S),
    "kill Redis": (_by_a_cut, GIVEN_UP_S),
    "cut connections": (_by_a_cut, GIVEN_UP_S),
    "cut network": (_by_a_cut, GIVEN_UP_S),
    "kill worker": (_by_a_death, GIVEN_UP_S),
    **dict.fromkeys(STANDING_STILL, (_by_a_silent_worker, SOON_S)),
}


def is_excused(closing: Closing) -> bool:
    """Whether a fault allows that a socket was closed."""
    for fault in closing.past.of("fault"):
        excuse, soon_s = EXCUSES.get(fault["name"], (None, 0.0))
        is_near = fault["at"] <= closing.at <= end_of(fault) + soon_s
        if excuse is not None and is_near and excuse(closing, fault):
            return True
    return paused_s(closing) >= PATIENCE_S


def paused_s(closing: Closing) -> float:
    """For how long what a socket needs stood still, in the time before it was closed."""
    since = closing.at - ADDED_UP_OVER_S
    total_s = 0.0
    for fault in closing.past.of("fault"):
        if fault["name"] in PAUSES and (
            fault["name"] != "freeze server" or closing.was_hit_by(fault)
        ):
            total_s += max(0.0, min(end_of(fault), closing.at) - max(fault["at"], since))
    return total_s


def nobody_is_closed_for_a_trouble_that_passes(past: Past) -> Iterator[Finding]:
    """A socket is closed by the site only if a fault excuses it."""
    lives = Lives(past)
    opened = {event["conn"]: event for event in past.of("opened")}
    for event in past.of("closed"):
        if event["code"] not in CLOSED_BY_US:
            continue
        closing = Closing(past, lives, event, opened.get(event["conn"], event))
        if not is_excused(closing):
            text = f"conn {event['conn']} ({closing.kind}) was closed with {event['code']}"
            stays = tuple(stint.events[0] for stint in closing.stints)
            yield Finding("a trouble that passes closes nobody", text, (event, *stays))


CHECKS = (nobody_is_closed_for_a_trouble_that_passes,)
