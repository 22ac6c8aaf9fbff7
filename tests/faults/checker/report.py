"""What the checker's runs found, kept for the documentation."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.checker.figures import add_up
from tests.processes import REPOSITORY

RESULTS = REPOSITORY / "docs" / "checker.json"


def keep(seed: int, result: dict[str, Any]) -> None:
    """Keep the result of a seed, over that of an earlier run with it."""
    kept = load()
    kept[str(seed)] = result
    ordered = dict(sorted(kept.items(), key=lambda item: int(item[0])))
    RESULTS.write_text(json.dumps(ordered, separators=(",", ":")) + "\n")


def load() -> dict[str, dict[str, Any]]:
    """Return what was kept: {seed: result}."""
    kept: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return kept


def summary() -> str:
    """Return Markdown that sums up what was kept; empty if nothing was."""
    kept = list(load().values())
    if not kept:
        return ""
    total = add_up(kept)
    found = sum(bool(result["findings"]) for result in kept)
    lines = [
        f"{len(kept)} seeds, {total['seconds'] // 60} minutes of faults in all: "
        f"{total['faults']:,} faults, {total['sockets']:,} sockets, {total['frames']:,} frames, "
        f"{total.get('hand-overs', 0):,} instances that moved to another worker, "
        f"{total['broadcasts heard']:,} broadcasts heard, "
        f"{total.get('messages handled', 0):,} messages to instances, {total['requests']:,} "
        f"requests, {total['jobs']:,} jobs. **Runs with a finding: {found}.** Jobs that were lost, "
        f"each in a fault that may lose it: {total['jobs lost']:,}. Jobs of the acknowledged "
        f"channel that ran again after a fault: {total['owned jobs run again']:,}."
    ]
    for name in ("sockets by kind", "faults by kind", "closed by code"):
        if kinds := total.get(name):
            counts = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
            lines.append(f"{name.capitalize()}: {counts}.")
    return "\n\n".join(lines)
