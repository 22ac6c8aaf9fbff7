"""python -m tests.benchmarks.before_after BEFORE: what work costs this checkout, and what it cost.

BEFORE is a revision of git, or a directory with other code of this project. Both run at the same
time, with the consumers and settings of this checkout, and are loaded one after the other, for a
second or so each; which one begins changes each time, and each pair gives a ratio. They are started
anew some times: a process is as fast as it happened to come out, for as long as it lives.
"""

import contextlib
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import click

from tests.benchmarks.contenders import all_contenders
from tests.benchmarks.stack import Stack
from tests.benchmarks.work import Pace, all_work
from tests.processes import REPOSITORY

WORK = ("http-32", "echo-50", "ordered-50", "session-50", "group-1000")
ROLES = ("server_us", "worker_us", "redis_us")


@contextlib.contextmanager
def checkout(before):
    """The directory with the code that `before` means: a directory, or a revision of git."""
    if Path(before).is_dir():
        if not (Path(before) / "channels").is_dir():
            raise click.UsageError(f"{before} has no code of this project: there is no channels/")
        yield Path(before).resolve()
        return
    command = ["git", "archive", before]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
    if done.returncode:
        raise click.UsageError(
            f"{before!r} is no directory, and no revision: {done.stderr.decode()}"
        )
    with tempfile.TemporaryDirectory(prefix="before-") as directory:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(directory, filter="data")
        yield Path(directory)


def compare(before, after, work, pace, turns):
    """Return what each turn gave: (the ratio of the rates, that of the CPU time of all processes),
    of `after` to `before`."""
    found = []
    for number in range(turns):
        reached = {}
        for stack in (before, after) if number % 2 else (after, before):
            values = work.run(stack, pace)
            stack.settle()
            reached[stack] = values["rate"], sum(values[role] for role in ROLES)
        found.append(tuple(reached[after][place] / reached[before][place] for place in (0, 1)))
    return found


def show(name, found):
    """One line: the middle of the ratios, and between which two the middle half of them lies."""
    parts = []
    for what, ratios in zip(("rate", "CPU time"), zip(*found, strict=True), strict=True):
        low, middle, high = (
            statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (*ratios, *ratios, *ratios)
        )
        parts.append(f"{what} {middle:.3f} ({low:.2f} to {high:.2f})")
    click.echo(f"{name:12} {', '.join(parts)}, {len(found)} turns")


@click.command()
@click.argument("before")
@click.option("--only", multiple=True, type=click.Choice(list(all_work())), help="[five of them]")
@click.option(
    "--contender", default="classic-uvicorn-1w", type=click.Choice(list(all_contenders()))
)
@click.option("--starts", default=6, show_default=True, help="How many times both are started.")
@click.option("--turns", default=4, show_default=True, help="Turns of each work after each start.")
@click.option("--seconds", default=0.8, show_default=True, help="How long each load takes.")
def main(before, only, contender, starts, turns, seconds):
    """Print the ratios of this checkout to BEFORE: of the rates, and of the CPU time a message."""
    pace = Pace(seconds=seconds, warmup_s=min(0.2, seconds))
    found = {name: [] for name in only or WORK}
    with checkout(before) as directory:
        for number in range(starts):
            stacks = [
                Stack(all_contenders()[contender], sys.executable, code=code)
                for code in (directory, REPOSITORY)
            ]
            with contextlib.ExitStack() as exits:
                for stack in stacks[:: -1 if number % 2 else 1]:
                    exits.enter_context(stack)
                for name, ratios in found.items():
                    for stack in stacks:
                        all_work()[name].run(stack, pace)  # the first messages import
                    ratios += compare(*stacks, all_work()[name], pace, turns)
    for name, ratios in found.items():
        show(name, ratios)


if __name__ == "__main__":
    main()
