"""What to tell of a run, in numbers."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.checker.judgement.jobs import OWNED
from tests.faults.checker.judgement.past import Event, Past

#: What is counted by its kind: name -> {kind: count}.
BY_KIND = ("faults by kind", "sockets by kind", "closed by code")


def figures_of(past: Past) -> dict[str, Any]:
    """Return name -> number, or name -> {kind: number} for BY_KIND."""
    ran = {event["n"] for event in past.of("ran")}
    jobs = past.of("job", outcome="sent")
    closed = [event for event in past.of("closed") if event["code"] is not None]
    return {
        "faults": len(past.of("fault")),
        "faults by kind": _count(past.of("fault"), "name"),
        "sockets": len(past.of("opened")),
        "sockets by kind": _count(past.of("opened"), "kind"),
        "closed by code": _count(closed, "code"),
        "hand-overs": sum(event["after"] is not None for event in past.of("hosted")),
        "frames": len(past.of("sent")),
        "replies": len(past.of("reply")),
        "broadcasts heard": len(past.of("heard")),
        "messages handled": len(past.of("called")),
        "requests": len(past.of("asked")),
        "answered 200": len(past.of("asked", status=200)),
        "pages read slowly": len(past.of("read", status=200)),
        "jobs": len(jobs),
        "jobs lost": sum(job["n"] not in ran for job in jobs),
        "owned jobs run again": _run_again(past),
    }


def _count(events: Iterable[Event], fact: str) -> dict[str, int]:
    return dict(sorted(collections.Counter(str(event[fact]) for event in events).items()))


def _run_again(past: Past) -> int:
    runs = past.grouped("n", "ran")
    return sum(len(events) - 1 for events in runs.values() if events[0]["channel"] == OWNED)


def add_up(results: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of several runs together."""
    total: dict[str, Any] = {}
    for result in results:
        for name, value in result.items():
            if isinstance(value, Mapping):
                kinds = total.setdefault(name, collections.Counter())
                kinds.update(value)
            elif isinstance(value, int | float):
                total[name] = total.get(name, 0) + value
    return {
        name: dict(sorted(value.items())) if isinstance(value, Mapping) else value
        for name, value in total.items()
    }


def tell(figures: Mapping[str, Any]) -> str:
    """The figures in a line, with those by kind in brackets."""
    parts = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in value.items())
            parts.append(f"{name}: ({kinds})")
        else:
            parts.append(f"{name}: {value:,}")
    return "; ".join(parts)
