"""What the checker's runs found, kept for docs/reliability.md."""

import json

from tests.processes import REPOSITORY

RESULTS = REPOSITORY / "docs" / "checker.json"


def keep(run):
    """Keep the result of a Run, over that of an earlier one with its seed."""
    kept = load()
    kept[str(run.seed)] = {
        "seconds": run.seconds,
        "findings": [f"{finding.promise}: {finding.text}" for finding in run.findings],
        **run.figures,
    }
    RESULTS.write_text(
        json.dumps(dict(sorted(kept.items(), key=_by_number)), separators=(",", ":")) + "\n"
    )


def load():
    """Return what was kept: {seed: result}."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def _by_number(item):
    return int(item[0])


def summary():
    """Return Markdown that sums up what was kept; empty if nothing was."""
    kept = load().values()
    if not kept:
        return ""
    total = {
        name: sum(result.get(name, 0) for result in kept)
        for name in (
            "seconds",
            "faults",
            "sockets",
            "frames",
            "broadcasts heard",
            "requests",
            "jobs",
            "jobs lost",
            "owned jobs run again",
        )
    }
    findings = sum(bool(result["findings"]) for result in kept)
    return (
        f"{len(kept)} seeds, {total['seconds'] // 60} minutes of faults in all: "
        f"{total['faults']:,} faults, {total['sockets']:,} sockets, {total['frames']:,} ordered "
        f"frames, {total['broadcasts heard']:,} broadcasts heard, {total['requests']:,} requests, "
        f"{total['jobs']:,} jobs. **Runs with a finding: {findings}.** Jobs that were lost, each "
        f"in a fault that may lose it: {total['jobs lost']:,}. Jobs of the acknowledged channel "
        f"that ran again after a fault: {total['owned jobs run again']:,}."
    )
