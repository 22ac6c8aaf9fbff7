"""Requests, and pages that are read slowly."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.checker.judgement.past import LOSSY, Finding, Past

#: No request may take longer than this, and what the site stood still meanwhile.
LONGEST_REQUEST_S = 40.0
_ENDS = ("kill server", "stop server")
_PAUSES = ("freeze server", "freeze Redis", "freeze worker", "silent network", "no worker")


def requests_are_answered(past: Past) -> Iterator[Finding]:
    """200, or 503; and a broken connection only if a server ended."""
    for event in past.of("asked"):
        begin, end = event["at"], event["at"] + event["took_s"]
        paused_s = sum(
            min(fault.get("until", fault["at"]), end) - max(fault["at"], begin)
            for fault in past.faults_near(begin, end, _PAUSES, before_s=0, after_s=0)
        )
        if event["took_s"] > LONGEST_REQUEST_S + paused_s:
            yield Finding("no request hangs", f"one took {event['took_s']:.1f} s", (event,))
        elif event["status"] in (200, 503):
            continue
        elif past.is_calm(begin, end, _ENDS):
            yield Finding("requests get 200 or 503", f"one got {event['status']}", (event,))


def pages_that_are_read_slowly_are_whole(past: Past) -> Iterator[Finding]:
    """A client that takes its time gets all of a large page, if nothing was lost meanwhile."""
    for event in past.of("read"):
        is_whole = event["status"] == 503 or event["bytes"] == event["wanted"]
        end = event["at"] + event["took_s"]
        if not is_whole and past.is_calm(event["at"], end, LOSSY | {*_ENDS, *_PAUSES}):
            text = f"{event['bytes']:,} of {event['wanted']:,} bytes came ({event['status']})"
            yield Finding("slow readers get whole pages", text, (event,))


CHECKS = (requests_are_answered, pages_that_are_read_slowly_are_whole)
