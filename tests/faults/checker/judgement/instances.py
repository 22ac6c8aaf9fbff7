"""Sockets of class consumers: their numbered state is never lost, doubled or old.

An instance lives in stints, one after the other, on one worker each; see
tests/faults/project/consumers/numbered.py. `Lives` says what a socket's stints were.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator

from tests.faults.checker.judgement.past import FORGETFUL, Event, Finding, Past, end_of

#: A worker that shows no sign of life for 9 s has lost its sockets; its last one may be 2 s old.
GIVEN_UP_AFTER_S = 7.0
#: So long after it, its signs of life may not have been seen yet.
BACK_S = 5.0
#: So long before and after a socket changes its worker, a wiped Redis may have forgotten it.
WIPED_S = 2.0
#: What stops a worker, or keeps its signs of life from being seen.
STANDING_STILL = ("freeze worker", "silent network")


class Stint:
    """One instance on one worker: how it began, what it handled, how it ended."""

    def __init__(self, hosted: Event) -> None:
        self.id: str = hosted["stint"]
        self.before: str | None = hosted["after"]
        self.socket: str = hosted["socket"]
        self.pid: int = hosted["pid"]
        self.events = [hosted]

    @property
    def handled(self) -> list[Event]:
        return [event for event in self.events if event["event"] == "handled"]

    @property
    def states(self) -> list[tuple[int, int]]:
        """What it had counted, frames and messages, at its begin and after each handler."""
        return [state_of(event) for event in self.events if event["event"] != "let go"]


class Lives:
    """The stints of every socket of class consumers."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self.stints: dict[str, Stint] = {}
        self.by_socket: dict[str, list[Stint]] = collections.defaultdict(list)
        for hosted in past.of("hosted"):
            stint = self.stints[hosted["stint"]] = Stint(hosted)
            self.by_socket[stint.socket].append(stint)
        for event in [*past.of("handled"), *past.of("let go")]:
            self.stints[event["stint"]].events.append(event)

    def is_cut_off(self, stint: Stint) -> bool:
        """Whether the worker of a stint was killed, or stood still for so long that it lost it."""
        return any(
            stint.pid in fault.get("pids", ())
            or (
                fault["name"] in STANDING_STILL
                and stint.pid in fault.get("frozen", ())
                and end_of(fault) - fault["at"] >= GIVEN_UP_AFTER_S
            )
            for fault in self._past.of("fault")
            if end_of(fault) + BACK_S >= stint.events[0]["at"]
        )


def state_of(event: Event) -> tuple[int, int]:
    """The frames and messages that an instance had counted."""
    return event["frames"], event["messages"]


def each_handler_counts_one(past: Past) -> Iterator[Finding]:
    """Within a stint, each frame and each message adds one, to what travels in scope as well."""
    for stint in Lives(past).stints.values():
        for before, after in zip(stint.events, stint.events[1:], strict=False):
            if _step(before, after) != _expected_step(after):
                yield _finding("state counts on", stint, before, after)
        for event in stint.events:
            if event["in_scope"] != event["frames"]:
                yield _finding("scope travels", stint, event)


def _step(before: Event, after: Event) -> tuple[int, int]:
    return after["frames"] - before["frames"], after["messages"] - before["messages"]


def _expected_step(event: Event) -> tuple[int, int]:
    if event["event"] == "let go":
        return 0, 0
    return (1, 0) if event["what"] == "frame" else (0, 1)


def a_hand_over_loses_nothing(past: Past) -> Iterator[Finding]:
    """A stint begins with what the one before it ended with; after a death, with a checkpoint."""
    lives = Lives(past)
    for stint in lives.stints.values():
        if stint.before is None:
            if state_of(stint.events[0]) != (0, 0):
                yield _finding("instances begin with nothing", stint, stint.events[0])
            continue
        former = lives.stints.get(stint.before)
        if former is None:
            yield _finding("state is nobody's invention", stint, stint.events[0])
        elif not lives.is_cut_off(former):
            yield from _check_hand_over(past, former, stint)
        elif stint.states[0] not in former.states:
            yield _finding("a checkpoint is a state", stint, former.events[-1], stint.events[0])


def _check_hand_over(past: Past, former: Stint, stint: Stint) -> Iterator[Finding]:
    begun = stint.events[0]
    if _came_again(past, stint):
        return
    if stint.states[0] != former.states[-1]:
        yield _finding("a hand-over loses nothing", stint, former.events[-1], begun)


def an_instance_goes_on_in_one_place(past: Past) -> Iterator[Finding]:
    """No two stints go on from the same one; one connect, one disconnect for each socket. Where
    Redis was wiped while one changed its worker, each of the two may run its disconnect."""
    for socket, stints in Lives(past).by_socket.items():
        successors = collections.Counter(stint.before for stint in stints if stint.handled)
        for before, count in successors.items():
            if count > 1:
                text = f"{socket}: {count} instances went on from {before}"
                begins = tuple(s.events[0] for s in stints if s.before == before)
                yield Finding("one instance for each socket", text, begins)
        connects = [stint for stint in stints if stint.before is None]
        if len(connects) > 1 and not all(_came_again(past, stint) for stint in connects[1:]):
            begins = tuple(stint.events[0] for stint in connects)
            yield Finding("one instance for each socket", f"{socket} connected twice", begins)
        ends = [e for stint in stints for e in stint.events if e["event"] == "let go"]
        if len(ends) > (2 if _was_wiped_in_a_hand_over(past, stints) else 1):
            yield Finding("one disconnect", f"{socket} had {len(ends)}", tuple(ends))


def _was_wiped_in_a_hand_over(past: Past, stints: list[Stint]) -> bool:
    """Whether Redis was wiped about when a socket changed its worker: the interface server can tell
    nobody any more that another one has it."""
    moves = [stint.events[0]["at"] for stint in stints if stint.before is not None]
    return any(
        past.faults_near(at, at, ["wipe Redis"], before_s=WIPED_S, after_s=WIPED_S) for at in moves
    )


def _came_again(past: Past, stint: Stint) -> bool:
    """Whether a stint began with what a forgetful Redis has given a second time, and led to
    nothing."""
    at = stint.events[0]["at"]
    return not past.is_calm(at, at, FORGETFUL) and not stint.handled


def frames_are_counted_in_their_places(past: Past) -> Iterator[Finding]:
    """The seventh frame of a socket is the seventh that its instance counts, whatever happened:
    who has lost one can't go on."""
    places = {event["n"]: event for event in past.of("sent")}
    for event in past.of("handled", what="frame"):
        sent = places.get(event["n"])
        if sent is not None and event["frames"] != sent["place"]:
            text = (
                f"{event['socket']}: frame {event['n']}, number {sent['place']} of conn "
                f"{sent['conn']}, was counted as {event['frames']}"
            )
            yield Finding("no frame is lost or doubled", text, (sent, event))


def messages_come_once_and_in_order(past: Past) -> Iterator[Finding]:
    """An instance, wherever it is, handles messages that were sent later than the last one."""
    for event in past.of("handled", what="call"):
        if event["n"] <= event["latest"]:
            text = f"{event['socket']}: message {event['n']} came after {event['latest']}"
            yield Finding("messages come once and in order", text, (event,))


def clients_see_state_grow(past: Past) -> Iterator[Finding]:
    """What a client hears from its instance counts on, one after the other."""
    for conn, events in past.grouped("conn", "reply", "called").items():
        told = [event for event in events if "frames" in event]
        for before, after in zip(told, told[1:], strict=False):
            step = _step(before, after)
            if min(step) < 0 or sum(step) < 1:
                text = f"conn {conn} heard {state_of(after)} after {state_of(before)}"
                yield Finding("clients see state grow", text, (before, after))


def instances_are_let_go(past: Past) -> Iterator[Finding]:
    """`disconnect` runs for each instance, but for those whose worker died with them."""
    lives = Lives(past)
    for socket, stints in lives.by_socket.items():
        has_ended = any(e["event"] == "let go" for stint in stints for e in stint.events)
        if has_ended or any(lives.is_cut_off(stint) for stint in stints):
            continue
        last = stints[-1].events[-1]
        if past.was_wiped_after(stints[0].events[0]["at"]):
            continue
        if past.is_calm(last["at"], last["at"] + 60.0):
            text = f"{socket} was never disconnected"
            yield Finding("one disconnect", text, tuple(s.events[-1] for s in stints))


def _finding(promise: str, stint: Stint, *events: Event) -> Finding:
    counts = ", then ".join(str(state_of(event)) for event in events)
    return Finding(promise, f"{stint.socket}, stint {stint.id}: {counts}", events)


CHECKS = (
    each_handler_counts_one,
    a_hand_over_loses_nothing,
    an_instance_goes_on_in_one_place,
    frames_are_counted_in_their_places,
    messages_come_once_and_in_order,
    clients_see_state_grow,
    instances_are_let_go,
)
