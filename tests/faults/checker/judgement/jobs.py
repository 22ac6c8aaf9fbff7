"""The background channels: a plain one, and an acknowledged one."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.checker.judgement.past import FORGETFUL, LONG_PAUSE, Finding, Past, end_of

ONCE, OWNED = "checked.once", "checked.owned"
#: What was sent so long before Redis lost its last moments is on its disk.
ON_DISK_AFTER_S = 2.0
#: A job may wait so long for its worker.
WAITS_S = 60.0
#: Jobs that were sent within so long may begin in another order, as several workers take them.
OVERTAKES_S = 1.0
#: Jobs that were sent within so long are taken at about the same time.
NEIGHBOURS_S = 0.3


def jobs_run_once(past: Past) -> Iterator[Finding]:
    """At most once each on a plain channel; what was sent in calm times, exactly once.

    A Redis that has lost its last moments has forgotten what was taken in them.
    """
    runs = past.grouped("n", "ran")
    for n, events in runs.items():
        is_told = not past.is_calm(events[0]["at"], events[-1]["at"], FORGETFUL)
        if len(events) > 1 and events[0]["channel"] == ONCE and not is_told:
            yield Finding("at most once", f"job {n} ran {len(events)} times", tuple(events))
    jobs = past.of("job", channel=ONCE, outcome="sent")
    lost = [job for job in jobs if job["n"] not in runs]
    begun = [(job["at"], runs[job["n"]][0]["at"]) for job in jobs if job["n"] in runs]
    for job in lost:
        waits_until = job["at"] + WAITS_S
        is_calm = past.is_calm(job["at"], job["at"])
        is_calm &= past.is_calm(job["at"], waits_until, [LONG_PAUSE])
        is_calm &= all(past.is_calm(at, at) for at in _when_taken(job["at"], begun))
        if is_calm and not _was_wiped_away(past, job["at"], begun):
            text = f"job {job['n']} was lost, and nothing had happened"
            yield Finding("what is sent is run", text, (job,))
    lost_in_kills = [job for job in lost if not _may_be_forgotten(past, job["at"])]
    allowed = past.threads * past.count("kill worker") + past.in_flight
    if len(lost_in_kills) > allowed:
        text = f"{len(lost_in_kills)} jobs were lost, {allowed} may be"
        yield Finding("a kill loses what ran", text, tuple(lost_in_kills))


def _may_be_forgotten(past: Past, at: float) -> bool:
    """Whether Redis has lost what was sent then: all of it, or its last moments."""
    return past.was_wiped_after(at) or any(
        fault["at"] - ON_DISK_AFTER_S <= at <= end_of(fault)
        for fault in past.of("fault", name="lose last moments")
    )


def owned_jobs_are_never_lost(past: Past) -> Iterator[Finding]:
    """What was sent to an acknowledged channel runs, though it may run again after a fault."""
    runs = past.grouped("n", "ran")
    for job in past.of("job", channel=OWNED, outcome="sent"):
        if job["n"] not in runs and not _may_be_forgotten(past, job["at"]):
            text = f"job {job['n']} of an acknowledged channel was lost"
            yield Finding("acknowledged messages are not lost", text, (job,))
    faults = past.of("fault")
    for n, events in runs.items():
        if len(events) > 1 and events[0]["channel"] == OWNED and not faults:
            text = f"job {n} of an acknowledged channel ran twice without a fault"
            yield Finding("acknowledged messages come again only after a fault", text)


CHECKS = (jobs_run_once, owned_jobs_are_never_lost)


def _when_taken(sent_at: float, begun: list[tuple[float, float]]) -> list[float]:
    """About when a job was taken, which may have waited for long: when those began that were sent
    just before and after it. `begun`: when others were sent, and when they began."""
    return [began for sent, began in begun if abs(sent - sent_at) <= NEIGHBOURS_S]


def _was_wiped_away(past: Past, sent_at: float, begun: list[tuple[float, float]]) -> bool:
    """Whether Redis came back empty while a job was still queued: of those that were sent a moment
    after it, none had begun by then. `begun`: when others were sent, and when they began."""
    for fault in past.of("fault", name="wipe Redis"):
        overtaking = (began for sent, began in begun if sent > sent_at + OVERTAKES_S)
        is_waiting = sent_at < fault["at"] < sent_at + WAITS_S
        if is_waiting and all(began > fault["at"] for began in overtaking):
            return True
    return False
