"""What must hold of a history. Pure functions: each takes a Past and yields Findings.

A loss is allowed only where a promise allows it: a kill loses what ran, a cut connection what was
on its way, a Redis that comes back empty what was in it. So what was sent while nothing of that
kind happened must arrive; and a kill of a worker accounts for no more than its threads.
"""

import collections
import dataclasses
import itertools

#: The two background channels: a plain one, and an acknowledged one.
ONCE, OWNED = "checked.once", "checked.owned"
#: Faults that may lose a message that is on its way just then.
LOSSY = frozenset(["kill worker", "kill server", "cut connections", "kill Redis", "wipe Redis"])
#: How long before and after a fault something may be touched by it, in seconds.
NEAR_S = 15.0
#: How long after a loss a socket may be given up that waits for what is lost.
GIVEN_UP_S = 60.0
#: The codes with which sockets are closed because of a trouble, and not because a server stops.
CLOSED_BY_US = frozenset([1011, 1012, 1013])
#: No request may take longer than this.
LONGEST_REQUEST_S = 40.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """A broken promise, and the events that show it."""

    promise: str
    text: str
    events: tuple = ()


class Past:
    """A history, sorted and looked up by kind.

    Args:
        events: a list of dicts, see history.py.
        threads: how many consumer threads a worker has.
    """

    def __init__(self, events, threads=1):
        self.events = sorted(events, key=lambda event: event["at"])
        self.threads = threads
        self._by_kind = collections.defaultdict(list)
        for event in self.events:
            self._by_kind[event["event"]].append(event)

    def of(self, kind, **facts):
        """The events of a kind with these facts."""
        wanted = facts.items()
        return [event for event in self._by_kind[kind] if wanted <= event.items()]

    def grouped(self, fact, *kinds):
        """{value of a fact: the events of these kinds that have it}, in their order."""
        groups = collections.defaultdict(list)
        events = itertools.chain.from_iterable(self._by_kind[kind] for kind in kinds)
        for event in sorted(events, key=lambda event: event["at"]):
            groups[event[fact]].append(event)
        return groups

    def is_calm(self, begin, end, names=LOSSY):
        """Whether none of these faults came near the time between `begin` and `end`."""
        return not any(
            fault["name"] in names
            and fault["at"] < end + NEAR_S
            and fault.get("until", fault["at"]) > begin - NEAR_S
            for fault in self._by_kind["fault"]
        )

    def count(self, name):
        """How often a fault happened."""
        return len(self.of("fault", name=name))

    def was_wiped_after(self, at):
        """Whether Redis came back empty at a later time."""
        return any(
            fault.get("until", fault["at"]) >= at for fault in self.of("fault", name="wipe Redis")
        )


def check(past):
    """Return every Finding in a Past."""
    return [finding for one in CHECKS for finding in one(past)]


# -- ordered sockets ----------------------------------------------------------------------------


def messages_of_a_socket_run_once_and_in_order(past):
    """Orders of what began rise, and nothing begins before what went before it has ended.

    A Redis that comes back empty has lost whose turn it is: the disconnect of each socket, which is
    closed for that with 1012, runs at once then.
    """
    killed = {pid for fault in past.of("fault") for pid in fault.get("pids", ())}
    for socket, events in past.grouped("socket", "connect", "began", "ended", "disconnect").items():
        yield from _check_socket(past, socket, events, killed)


def _check_socket(past, socket, events, killed):
    last_order, running = -1, None
    for event in events:
        if event["event"] == "ended":
            running = None
            continue
        if event["order"] <= last_order:
            text = f"{socket}: order {event['order']} ran after {last_order}"
            yield Finding("once, and in order", text, tuple(events))
        is_cut_short = event["event"] == "disconnect" and not past.is_calm(
            event["at"], event["at"], {"wipe Redis"}
        )
        if running is not None and running["pid"] not in killed and not is_cut_short:
            text = f"{socket}: order {event['order']} began while {running['order']} ran"
            yield Finding("one after another", text, (running, event))
        last_order = event["order"]
        running = event if event["event"] == "began" else None


def every_socket_connects_first_and_disconnects_once(past):
    """`connect`, then frames, then one `disconnect`, be it made up."""
    missing = []
    sockets = past.grouped("socket", "connect", "began", "disconnect")
    for socket, events in sockets.items():
        kinds = [event["event"] for event in events]
        first_is_lost = kinds[0] != "connect" and _is_touched(past, events)
        if "connect" in kinds[1:] or (kinds[0] != "connect" and not first_is_lost):
            yield Finding("connect comes first", f"{socket}: {kinds[:5]}", tuple(events[:5]))
        if kinds.count("disconnect") > 1:
            yield Finding("one disconnect", f"{socket} had several", tuple(events[-3:]))
        if "disconnect" in kinds[:-1]:
            yield Finding("nothing after disconnect", f"{socket}: {kinds[-3:]}", tuple(events[-3:]))
        if "disconnect" not in kinds and not past.was_wiped_after(events[0]["at"]):
            missing.append(events[-1])
    allowed = past.threads * past.count("kill worker") + _in_flight(past)
    if len(missing) > allowed:
        text = f"{len(missing)} sockets were never disconnected ({allowed} may be lost)"
        yield Finding("one disconnect", text, tuple(missing))


def _is_touched(past, events):
    return not past.is_calm(events[0]["at"], events[-1]["at"])


def _in_flight(past):
    """How many messages may have been on their way to workers when connections were cut."""
    cuts = past.count("cut connections") + past.count("kill Redis") + past.count("wipe Redis")
    return cuts * past.threads * max(1, len(past.of("workers")) or 4)


def frames_are_answered(past):
    """Replies rise, answer what was sent, and all come to a socket that nothing happened to."""
    sent = {event["n"]: event for event in past.of("sent")}
    for conn, replies in past.grouped("conn", "reply").items():
        numbers = [reply["n"] for reply in replies]
        if numbers != sorted(set(numbers)):
            yield Finding("replies come once and in order", f"conn {conn}", tuple(replies))
        strangers = [n for n in numbers if n not in sent]
        if strangers:
            yield Finding("replies answer what was sent", f"conn {conn}: {strangers}")
    answered = {reply["n"] for reply in past.of("reply")}
    closed = {event["conn"]: event for event in past.of("closed")}
    for n, event in sent.items():
        end = closed.get(event["conn"])
        if n in answered or end is None or not end.get("was_idle"):
            continue
        if past.is_calm(event["at"], end["at"]):
            text = f"frame {n} of conn {event['conn']} had no answer, and its socket stayed open"
            yield Finding("frames are answered", text, (event, end))


def nobody_is_closed_for_a_trouble_that_passes(past):
    """What stands still and goes on closes no socket; what loses something may, and a while later:
    a socket waits for what is lost before it is given up."""
    for event in past.of("closed"):
        if event["code"] in CLOSED_BY_US and past.is_calm(event["at"] - GIVEN_UP_S, event["at"]):
            text = f"conn {event['conn']} was closed with {event['code']}"
            yield Finding("a trouble that passes closes nobody", text, (event,))


# -- background channels ------------------------------------------------------------------------


def jobs_run_once(past):
    """At most once each on a plain channel; what was sent in calm times, exactly once."""
    runs = past.grouped("n", "ran")
    for n, events in runs.items():
        if len(events) > 1 and events[0]["channel"] == ONCE:
            yield Finding("at most once", f"job {n} ran {len(events)} times", tuple(events))
    jobs = past.of("job", channel=ONCE, outcome="sent")
    lost = [job for job in jobs if job["n"] not in runs]
    for job in lost:
        if past.is_calm(job["at"], job["at"]):
            text = f"job {job['n']} was lost, and nothing had happened"
            yield Finding("what is sent is run", text, (job,))
    lost_in_kills = [job for job in lost if not past.was_wiped_after(job["at"])]
    allowed = past.threads * past.count("kill worker") + _in_flight(past)
    if len(lost_in_kills) > allowed:
        text = f"{len(lost_in_kills)} jobs were lost, {allowed} may be"
        yield Finding("a kill loses what ran", text, tuple(lost_in_kills))


def owned_jobs_are_never_lost(past):
    """What was sent to an acknowledged channel runs, though it may run again after a fault."""
    runs = past.grouped("n", "ran")
    for job in past.of("job", channel=OWNED, outcome="sent"):
        if job["n"] not in runs and not past.was_wiped_after(job["at"]):
            text = f"job {job['n']} of an acknowledged channel was lost"
            yield Finding("acknowledged messages are not lost", text, (job,))
    faults = past.of("fault")
    for n, events in runs.items():
        if len(events) > 1 and events[0]["channel"] == OWNED and not faults:
            text = f"job {n} of an acknowledged channel ran twice without a fault"
            yield Finding("acknowledged messages come again only after a fault", text)


# -- groups and requests ------------------------------------------------------------------------


def broadcasts_are_heard(past):
    """At most once each, in order; and by every member in calm times."""
    heard = past.grouped("conn", "heard")
    for conn, events in heard.items():
        numbers = [event["n"] for event in events]
        if numbers != sorted(set(numbers)):
            yield Finding("broadcasts come once and in order", f"conn {conn}: {numbers[:40]}")
    closed = {event["conn"]: event["at"] for event in past.of("closed")}
    told = past.of("told", outcome="sent")
    for member in past.of("member"):
        until = closed.get(member["conn"], float("inf"))
        numbers = {event["n"] for event in heard.get(member["conn"], ())}
        for event in told:
            is_there = member["at"] + 1 < event["at"] < until - 2
            if is_there and event["n"] not in numbers and past.is_calm(event["at"], event["at"]):
                text = f"conn {member['conn']} did not hear broadcast {event['n']}"
                yield Finding("members hear every broadcast", text, (member, event))


def requests_are_answered(past):
    """200, or 503; and a broken connection only if a server ended."""
    ends = ("kill server", "stop server")
    for event in past.of("asked"):
        if event["took_s"] > LONGEST_REQUEST_S:
            yield Finding("no request hangs", f"one took {event['took_s']:.1f} s", (event,))
        elif event["status"] in (200, 503):
            continue
        elif past.is_calm(event["at"], event["at"] + event["took_s"], ends):
            yield Finding("requests get 200 or 503", f"one got {event['status']}", (event,))


def nothing_is_left(past):
    """At rest: nothing waits, no socket is known, and every key that is left ends by itself."""
    for event in past.of("rest"):
        for what in ("waiting", "sockets", "eternal_keys"):
            if event[what]:
                yield Finding("nothing is left behind", f"{what}: {event[what]}", (event,))
        if not event["is_well"]:
            yield Finding("all is well afterwards", "the last visitor was not served", (event,))


CHECKS = [
    messages_of_a_socket_run_once_and_in_order,
    every_socket_connects_first_and_disconnects_once,
    frames_are_answered,
    nobody_is_closed_for_a_trouble_that_passes,
    jobs_run_once,
    owned_jobs_are_never_lost,
    broadcasts_are_heard,
    requests_are_answered,
    nothing_is_left,
]
