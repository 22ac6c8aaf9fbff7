"""What clients get back for their frames, whatever kind of consumer answers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from tests.faults.checker.judgement.past import CUTS, FORGETFUL, LOSSY, Event, Finding, Past

#: Of a class consumer, a worker that dies takes no answer with it and leaves the socket open.
_MAY_LOSE_ANSWERS = {"ordered": LOSSY}
_OTHERS = CUTS | {"kill server"}


def replies_come_once_and_in_order(past: Past) -> Iterator[Finding]:
    """Replies rise, and answer what was sent.

    After a Redis has lost its last moments, a frame of a socket of functions may run again, or its
    reply come again; but the socket is closed with 1012 for that, unless its client has just left.
    """
    sent = {event["n"] for event in past.of("sent")}
    given_up = {
        event["conn"]: event["at"]
        for event in past.of("closed")
        if event["code"] == 1012 or past.was_just_lost(event["at"])
    }
    kinds = {event["conn"]: event.get("kind", "ordered") for event in past.of("opened")}
    for conn, replies in past.grouped("conn", "reply").items():
        judged = replies
        if kinds.get(conn, "ordered") == "ordered" and conn in given_up:
            losses = past.faults_near(given_up[conn], given_up[conn], FORGETFUL)
            first_s = min((loss["at"] for loss in losses), default=math.inf)
            judged = [reply for reply in replies if reply["at"] < first_s]
        numbers = [reply["n"] for reply in judged]
        if numbers != sorted(set(numbers)):
            yield Finding("replies come once and in order", f"conn {conn}", tuple(replies))
        strangers = [reply["n"] for reply in replies if reply["n"] not in sent]
        if strangers:
            yield Finding("replies answer what was sent", f"conn {conn}: {strangers}")


def frames_are_answered(past: Past) -> Iterator[Finding]:
    """Every frame of a socket that stays open is answered, if nothing happened that loses one, and
    the client does not leave before there is a worker again. One that counted as dead, as it stood
    still, answers nothing of what its threads had."""
    answered = {reply["n"] for reply in past.of("reply")}
    closed = {event["conn"]: event for event in past.of("closed")}
    kinds = {event["conn"]: event.get("kind", "ordered") for event in past.of("opened")}
    died_at = [fault["at"] for fault in past.taken_for_dead()] * past.threads
    for event in past.of("sent"):
        end = closed.get(event["conn"])
        if event["n"] in answered or end is None or not end.get("was_idle"):
            continue
        lossy = _losers(kinds.get(event["conn"], "ordered"))
        is_calm = past.is_calm(event["at"], event["at"], lossy)
        if not is_calm or past.stood_still(event["at"], end["at"]):
            continue
        taken_by = next((at for at in died_at if 0.0 <= at - event["at"] < 1.0), None)
        if taken_by is None:
            yield _unanswered(event, end)
        else:
            died_at.remove(taken_by)


def _losers(kind: str) -> Collection[str]:
    return _MAY_LOSE_ANSWERS.get(kind, _OTHERS)


def _unanswered(event: Event, end: Event) -> Finding:
    text = f"frame {event['n']} of conn {event['conn']} had no answer, and its socket stayed open"
    return Finding("frames are answered", text, (event, end))


CHECKS = (replies_come_once_and_in_order, frames_are_answered)
