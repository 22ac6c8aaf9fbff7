"""python -m tests.faults.checker: break a site at random, and check what it has been through."""

from __future__ import annotations

import collections
import json
import logging
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from tests.faults.checker import figures, report, seeds
from tests.faults.checker.run import Run


@click.command()
@click.option("--seed", type=int, help="The first seed.  [default: a random one]")
@click.option("--seeds", "count", default=1, show_default=True, help="How many runs.")
@click.option("--jobs", default=1, show_default=True, help="How many of them at the same time.")
@click.option("--seconds", default=180, show_default=True, help="How long faults go on, each run.")
@click.option("--longest", default=90.0, show_default=True, help="No fault lasts longer (s).")
@click.option("--on-cluster", is_flag=True, help="Over a Redis Cluster.")
@click.option("--keep", is_flag=True, help="Keep the results for the documentation.")
@click.option("--result", type=click.Path(path_type=Path), help="Write the result of one seed.")
def main(
    seed: int | None,
    count: int,
    jobs: int,
    seconds: int,
    longest: float,
    on_cluster: bool,
    keep: bool,
    result: Path | None,
) -> None:
    """Run a site under faults from a seed; find what no promise allows."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    first = random.randrange(1_000_000) if seed is None else seed
    if count == 1:
        outcome = _run_one(first, seconds, longest, on_cluster)
        if result is not None:
            result.write_text(json.dumps(outcome))
        if keep:
            report.keep(first, outcome)
        sys.exit(1 if outcome["findings"] else 0)
    sys.exit(_run_many(range(first, first + count), seconds, longest, jobs, keep, on_cluster))


def _run_one(seed: int, seconds: int, longest: float, on_cluster: bool) -> dict[str, Any]:
    logging.getLogger("channels.layers").setLevel(logging.CRITICAL)  # what it says is expected
    run = Run(seed, seconds, longest_s=longest, on_cluster=on_cluster, say=click.echo)
    click.echo(f"\nseed {seed}, {seconds} s")
    run.execute()
    _tell(run)
    return {
        "seconds": seconds,
        "findings": [f"{finding.promise}: {finding.text}" for finding in run.findings],
        **run.figures,
    }


def _tell(run: Run) -> None:
    click.echo(figures.tell(run.figures))
    shown: collections.Counter[str] = collections.Counter()
    for finding in run.findings:
        shown[finding.promise] += 1
        if shown[finding.promise] > 5:
            continue
        click.secho(f"FOUND  {finding.promise}: {finding.text}", fg="red")
        for event in finding.events[:8]:
            click.echo(f"       {json.dumps(event)}")
    if run.findings:
        click.echo(f"findings: {len(run.findings)} ({figures.tell(shown)})")
        directory = Path(tempfile.mkdtemp(prefix=f"checker-{run.seed}-"))
        run.history.write(directory / "history.jsonl")
        (directory / "logs.txt").write_text(run.logs)
        click.echo(f"history and logs: {directory}")
        click.echo(
            f"again: python -m tests.faults.checker --seed {run.seed} --seconds {run.seconds}"
        )


def _run_many(
    numbers: range, seconds: int, longest: float, jobs: int, keep: bool, on_cluster: bool
) -> int:
    """Run many seeds; returns the exit code."""
    results: list[dict[str, Any]] = []
    for outcome in seeds.run_all(numbers, seconds, longest, jobs, on_cluster):
        click.echo(outcome.text)
        if outcome.result is None:
            click.secho(f"seed {outcome.seed} broke down", fg="red")
            continue
        results.append(outcome.result)
        if keep:
            report.keep(outcome.seed, outcome.result)
    click.echo(f"\nall together: {figures.tell(figures.add_up(results))}")
    clean = sum(not result["findings"] for result in results)
    click.echo(f"{clean} of {len(numbers)} runs without a finding")
    return 0 if clean == len(numbers) else 1


if __name__ == "__main__":
    main()
