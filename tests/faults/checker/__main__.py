"""python -m tests.faults.checker: break a site at random, and check what it has been through."""

import json
import logging
import random
import sys
import tempfile
from pathlib import Path

import click

from tests.faults.checker import report
from tests.faults.checker.run import Run


@click.command()
@click.option("--seed", type=int, help="The first seed.  [default: a random one]")
@click.option("--seeds", default=1, show_default=True, help="How many runs, each with the next.")
@click.option("--seconds", default=600, show_default=True, help="How long faults go on, each run.")
@click.option("--keep", is_flag=True, help="Keep the results for the documentation.")
def main(seed, seeds, seconds, keep):
    """Run a site under faults from a seed; find what no promise allows."""
    logging.getLogger("channels.layers").setLevel(logging.CRITICAL)  # what it says is expected
    first = random.randrange(1_000_000) if seed is None else seed
    found = 0
    for number in range(first, first + seeds):
        run = Run(number, seconds, click.echo)
        click.echo(f"\nseed {number}, {seconds} s")
        run.execute()
        _tell(run)
        found += bool(run.findings)
        if keep:
            report.keep(run)
    click.echo(f"\n{seeds - found} of {seeds} runs without a finding")
    sys.exit(1 if found else 0)


def _tell(run):
    click.echo(", ".join(f"{name}: {value:,}" for name, value in run.figures.items()))
    for finding in run.findings:
        click.secho(f"FOUND  {finding.promise}: {finding.text}", fg="red")
        for event in finding.events[:8]:
            click.echo(f"       {json.dumps(event)}")
    if run.findings:
        directory = Path(tempfile.mkdtemp(prefix=f"checker-{run.seed}-"))
        run.history.write(directory / "history.jsonl")
        (directory / "logs.txt").write_text(run.logs)
        click.echo(f"history and logs: {directory}")
        click.echo(
            f"again: python -m tests.faults.checker --seed {run.seed} --seconds {run.seconds}"
        )


if __name__ == "__main__":
    main()
