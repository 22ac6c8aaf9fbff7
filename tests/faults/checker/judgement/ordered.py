"""Sockets of functions with `enforce_ordering`: once each, in order, one after another."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tests.faults.checker.judgement.past import FORGETFUL, Event, Finding, Past, end_of

#: A handshake whose `connect` was lost with its worker gets its answer, and its disconnect, so long
#: after.
HANDSHAKE_S = 21.0
#: That disconnect may wait so long for the `connect`, until the socket is given up.
GIVEN_UP_S = 32.0


def messages_of_a_socket_run_once_and_in_order(past: Past) -> Iterator[Finding]:
    """Orders of what began rise, and nothing begins before what went before it has ended.

    A Redis that comes back with less than it knew has lost whose turn it is: the disconnect of a
    socket that is closed for that with 1012 runs at once then; and what workers had taken in its
    last moments may run again, until the server has noticed and closes the socket.
    """
    killed = {pid for fault in past.of("fault") for pid in fault.get("pids", ())}
    ends = _Ends(past)
    for socket, events in past.grouped("socket", "connect", "began", "ended", "disconnect").items():
        yield from _check_socket(past, socket, events, killed, ends.of(events))


class _Ends:
    """How clients saw their sockets end, by what workers note of a socket."""

    def __init__(self, past: Past) -> None:
        self._closed = {event["conn"]: event for event in past.of("closed")}
        self._speakers = {event["n"]: event["conn"] for event in past.of("sent")}

    def of(self, events: list[Event]) -> Event | None:
        """The end of the socket of these events; None if it sent no frame that began."""
        conns = (self._speakers.get(event["n"]) for event in events if "n" in event)
        return next((self._closed[conn] for conn in conns if conn in self._closed), None)


def _check_socket(
    past: Past, socket: str, events: list[Event], killed: set[int], end: Event | None
) -> Iterator[Finding]:
    last_order, running = -1, None
    last_at = -math.inf
    for event in events:
        if event["event"] == "ended":
            running = None
            continue
        if event["order"] <= last_order and not (
            _may_run_again(past, event, end)
            or _is_made_up(past, event, last_at)
            or _counted_its_worker_as_dead(past, event)
        ):
            text = f"{socket}: order {event['order']} ran after {last_order}"
            yield Finding("once, and in order", text, tuple(events))
        is_cut_short = event["event"] == "disconnect" and not past.is_calm(
            event["at"], event["at"], FORGETFUL
        )
        if running is not None and running["pid"] not in killed and not is_cut_short:
            text = f"{socket}: order {event['order']} began while {running['order']} ran"
            yield Finding("one after another", text, (running, event))
        last_order, last_at = event["order"], event["at"]
        running = event if event["event"] == "began" else None


def _may_run_again(past: Past, event: Event, end: Event | None) -> bool:
    """Whether Redis has just lost its last moments, and the socket was closed soon after that, or
    it was a disconnect: its client has left, and there is no socket to close."""
    if event["event"] == "disconnect":
        return past.was_just_lost(event["at"])
    return end is not None and past.was_just_lost(event["at"], end["at"])


def _counted_its_worker_as_dead(past: Past, event: Event) -> bool:
    """Whether its worker stood still between the turn of a message and the first line of its
    consumer, and counted as dead meanwhile: its socket went on, and it runs it all the same."""
    return any(
        event["pid"] in fault["frozen"] and abs(event["at"] - end_of(fault)) < 1.0
        for fault in past.taken_for_dead()
    )


def _is_made_up(past: Past, event: Event, last_at: float) -> bool:
    """Whether a disconnect was made up for a dead server, with the number that Redis knew: it has
    lost the moments in which the last message ran."""
    is_made_up = event["event"] == "disconnect" and event.get("code") == 1006
    return is_made_up and past.was_just_lost(last_at)


def every_socket_connects_first_and_disconnects_once(past: Past) -> Iterator[Finding]:
    """`connect`, then frames, then one `disconnect`, be it made up. In a socket that is closed as
    Redis has lost its last moments, `connect` may run again; and so may a `disconnect` of them."""
    missing: list[Event] = []
    ends = _Ends(past)
    for socket, events in past.grouped("socket", "connect", "began", "disconnect").items():
        kinds = [event["event"] for event in events]
        since = events[0]["at"] - HANDSHAKE_S
        if kinds[0] == "disconnect":
            since -= GIVEN_UP_S
        first_is_lost = kinds[0] != "connect" and not past.is_calm(since, events[-1]["at"])
        again = [event for event in events[1:] if event["event"] == "connect"]
        end = ends.of(events)
        if kinds[-2:] == ["disconnect"] * 2 and _may_run_again(past, events[-1], end):
            kinds.pop()
        is_found = any(not _may_run_again(past, event, end) for event in again)
        if is_found or (kinds[0] != "connect" and not first_is_lost):
            yield Finding("connect comes first", f"{socket}: {kinds[:5]}", tuple(events[:5]))
        if kinds.count("disconnect") > 1:
            yield Finding("one disconnect", f"{socket} had several", tuple(events[-3:]))
        if "disconnect" in kinds[:-1]:
            yield Finding("nothing after disconnect", f"{socket}: {kinds[-3:]}", tuple(events[-3:]))
        if "disconnect" not in kinds and not past.was_wiped_after(events[0]["at"]):
            missing.append(events[-1])
    allowed = past.threads * past.count("kill worker") + past.in_flight
    if len(missing) > allowed:
        text = f"{len(missing)} sockets were never disconnected ({allowed} may be lost)"
        yield Finding("one disconnect", text, tuple(missing))


CHECKS = (
    messages_of_a_socket_run_once_and_in_order,
    every_socket_connects_first_and_disconnects_once,
)
