"""What is sent to groups: texts that need no code, and messages that a handler answers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.checker.judgement.past import FORGETFUL, PAUSES, Event, Finding, Past, end_of

#: What is sent, and how a client notes that it has heard it.
_KINDS = (("told", "heard"), ("call", "called"))
#: A member's membership needs a moment; and while workers come and go, on a machine with six runs
#: at the same time, what is sent shortly before it leaves may come too late.
_JOINED_S, _LEAVING_S = 1.0, 5.0
#: What stood still has so long to pass on what has waited.
_CATCHING_UP_S = 15.0


def broadcasts_are_heard(past: Past) -> Iterator[Finding]:
    """At most once each, in order; and by every member in calm times."""
    for sent, heard_as in _KINDS:
        heard = past.grouped("conn", heard_as)
        for conn, events in heard.items():
            numbers = _numbers_of(past, events)
            if numbers != sorted(set(numbers)):
                text = f"conn {conn}, {heard_as}: {numbers[:40]}"
                yield Finding("broadcasts come once and in order", text, tuple(events))
        yield from _find_unheard(past, past.of(sent, outcome="sent"), heard, sent)


def _numbers_of(past: Past, events: list[Event]) -> list[int]:
    """The numbers of what a client has heard. What a server had just taken when Redis lost its last
    moments may come again, unless it has a place among the messages to an instance."""
    numbers: list[int] = []
    for event in events:
        is_repeated = event["event"] == "heard" and event["n"] in numbers
        if not (is_repeated and not past.is_calm(event["at"], event["at"], FORGETFUL)):
            numbers.append(event["n"])
    return numbers


def _find_unheard(
    past: Past, sent: list[Event], heard: dict[object, list[Event]], kind: str
) -> Iterator[Finding]:
    closed = {event["conn"]: _heard_until(event) for event in past.of("closed")}
    for member in past.of("member"):
        if kind not in member.get("hears", ("told",)):
            continue
        until = closed.get(member["conn"], float("inf")) - _LEAVING_S
        numbers = {event["n"] for event in heard.get(member["conn"], ())}
        for event in sent:
            is_there = member["at"] + _JOINED_S < event["at"] < until
            if not is_there or event["n"] in numbers or _may_wait(past, event["at"], until):
                continue
            if past.is_calm(event["at"], event["at"]):
                text = f"conn {member['conn']} did not hear {kind} {event['n']}"
                yield Finding("members hear every broadcast", text, (member, event))


def _heard_until(closed: Event) -> float:
    """When a client has heard the last thing: one that reads slowly may be deaf for a while."""
    at: float = closed["at"]
    deaf_since: float | None = closed.get("deaf_since")
    return at if deaf_since is None else min(at, deaf_since)


def _may_wait(past: Past, at: float, until: float) -> bool:
    """Whether something stood still when a message was sent, until shortly before its member
    left; or something else did, before what had waited was passed on."""
    waits_until, looked_until = at, -1.0
    while looked_until < waits_until < until:
        looked_until = waits_until
        standing = past.faults_near(at, looked_until, PAUSES, before_s=1.0, after_s=_CATCHING_UP_S)
        ends = [end_of(fault) + _CATCHING_UP_S for fault in standing]
        waits_until = max([waits_until, *ends])
    return until < waits_until


CHECKS = (broadcasts_are_heard,)
