"""What must hold of a history. Pure functions: each takes a Past and yields Findings.

A loss is allowed only where a promise allows it: a kill loses what ran, a cut connection what was
on its way, a Redis that comes back with less what it has forgotten. So what was sent while nothing
of that kind happened must arrive; and what has a number must be right whatever happened.
"""

from __future__ import annotations

from tests.faults.checker.judgement import (
    closings,
    frames,
    groups,
    instances,
    jobs,
    ordered,
    requests,
    rest,
)
from tests.faults.checker.judgement.past import Finding, Past

#: Every promise.
CHECKS = tuple(
    check
    for theme in (ordered, instances, frames, closings, jobs, groups, requests, rest)
    for check in theme.CHECKS
)

__all__ = ["CHECKS", "Finding", "Past", "check"]


def check(past: Past) -> list[Finding]:
    """Return every Finding in a Past."""
    return [finding for one in CHECKS for finding in one(past)]
