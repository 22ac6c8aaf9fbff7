"""What is left when everything has come to rest."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.checker.judgement.past import Finding, Past


def nothing_is_left(past: Past) -> Iterator[Finding]:
    """At rest: nothing waits, no socket is known, and every key that is left ends by itself."""
    for event in past.of("rest"):
        for what in ("waiting", "sockets", "eternal_keys"):
            if event[what]:
                yield Finding("nothing is left behind", f"{what}: {event[what]}", (event,))
        if not event["is_well"]:
            yield Finding("all is well afterwards", "the last visitor was not served", (event,))


CHECKS = (nothing_is_left,)
