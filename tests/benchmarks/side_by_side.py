"""python -m tests.benchmarks.side_by_side ONE OTHER: what a request costs two contenders, in turns.

Both run at the same time, and are loaded one after the other, for a second or so each; which one
begins changes each time, and each pair gives a ratio. They are started anew some times, in turns
too: a process is as fast as it happened to come out, for as long as it lives. What is judged is
the CPU time of the server for a request: on a busy machine it says more than the rate does.
"""

import contextlib
import statistics

import click

from tests.benchmarks.contenders import all_contenders
from tests.benchmarks.environments import EnvironmentStore, all_environments, default_directory
from tests.benchmarks.stack import Stack

JOB = {"kind": "http", "path": "/small/", "connections": 32, "body_bytes": 0, "warmup_s": 0.0}


def load(stack, seconds):
    """Return (requests a second, microseconds of the server's CPU time for each)."""
    result = stack.load({**JOB, "seconds": seconds}, limit_s=30 + 5 * seconds)
    return result["rate"], result["cpu_s"]["server"] / max(result["completed"], 1) * 1e6


def take_pairs(one, other, pairs, seconds):
    """Return the ratios of some pairs: (of the rates, of the costs), of `one` to `other`."""
    rates, costs = [], []
    for stack in (one, other):
        load(stack, seconds)  # the first requests import, and open threads
    for number in range(pairs):
        turns = (one, other) if number % 2 else (other, one)
        reached = {id(stack): load(stack, seconds) for stack in turns}
        (rate, cost), (other_rate, other_cost) = reached[id(one)], reached[id(other)]
        rates.append(rate / other_rate)
        costs.append(cost / other_cost)
    return rates, costs


@click.command()
@click.argument("names", nargs=2, type=click.Choice(list(all_contenders())), metavar="ONE OTHER")
@click.option("--starts", default=7, help="How many times both are started.")
@click.option("--pairs", default=7, help="How many times both are loaded after each start.")
@click.option("--seconds", default=1.2, help="How long each load takes.")
def main(names, starts, pairs, seconds):
    """Print the ratios of ONE to OTHER: the median of each start, and of these."""
    store, environments = EnvironmentStore(default_directory()), all_environments()
    contenders = [all_contenders()[name] for name in names]
    pythons = [store.python(environments[contender.environment]) for contender in contenders]
    medians = []
    for number in range(starts):
        stacks = [Stack(*both) for both in zip(contenders, pythons, strict=True)]
        with contextlib.ExitStack() as exits:
            for stack in stacks[:: -1 if number % 2 else 1]:
                exits.enter_context(stack)
            rates, costs = take_pairs(*stacks, pairs, seconds)
        medians.append((statistics.median(rates), statistics.median(costs)))
        click.echo(f"{medians[-1][0]:.2f} of the rate, {medians[-1][1]:.2f} of the CPU time")
    for place, what in enumerate(("rate", "CPU time for a request")):
        values = [one[place] for one in medians]
        click.echo(
            f"{what}: {statistics.median(values):.2f} of {names[1]}'s ({min(values):.2f} to "
            f"{max(values):.2f}, {starts} starts)"
        )


if __name__ == "__main__":
    main()
