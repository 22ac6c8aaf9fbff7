"""python -m tests.faults: run the scenarios, print a table, write the page."""

import json
import logging
import signal
import sys
import time
import traceback

import click
import pytest

from tests.faults import page
from tests.faults.promises import LATER, PROMISES
from tests.faults.result import Result
from tests.faults.scenario import all_scenarios

#: Where the results are kept, from one run to the next, and the page that shows them.
RESULTS = page.DOCS / "reliability.json"


@click.command()
@click.argument("rows", nargs=-1, type=click.IntRange(1, max(PROMISES)))
@click.option("--full", is_flag=True, help="With the promises' own numbers; keeps the results.")
@click.option("--only", metavar="TEXT", default="", help="Scenarios with this in their names.")
@click.option("--list", "do_list", is_flag=True, help="List the scenarios.")
@click.option("--page", "page_only", is_flag=True, help="Only write the page from kept results.")
def main(rows, full, only, do_list, page_only):
    """Break a site in every way of ROWS (default: all), and see what holds."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    logging.getLogger("channels.layers").setLevel(logging.CRITICAL)  # what it says is expected
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if page_only:
        page.write(kept)
        return
    chosen = [one for one in all_scenarios() if _is_chosen(one, rows, only)]
    if do_list:
        for one in chosen:
            click.echo(one.name)
        return
    results = {}
    for one in chosen:
        results[one.name] = _run(one, full)
        if full:
            page.keep(RESULTS, kept, results)
    _say_what_is_missing(rows)
    held = sum(result["held"] for result in results.values())
    click.echo(f"\n{held} of {len(results)} held")
    sys.exit(0 if held == len(results) else 1)


def _is_chosen(one, rows, only):
    return (not rows or set(rows) & set(one.rows)) and only in one.name


def _run(one, full):
    """Run a scenario and print what came of it; return that as a dict for JSON."""
    click.echo(f"\n{one.name}")
    for row in one.rows:
        click.echo(f"  promised: {PROMISES[row].holds}")
    begun = time.monotonic()
    try:
        result = one.execute(full=full)
    except (pytest.skip.Exception, pytest.fail.Exception) as given_up:
        result = Result()
        result.true(f"not run: {given_up}", False)
    except Exception:
        traceback.print_exc(limit=-4)
        result = Result()
        result.true("it broke down", False)
    took_s = time.monotonic() - begun
    for figure in result.figures:
        click.echo(f"  {'ok' if figure.held else 'NO'}  {figure.text}")
    click.echo(f"  {'held' if result.held else 'NOT HELD'} (took {took_s:.1f} s)")
    return {
        "rows": one.rows,
        "test": one.run.__name__,
        "module": one.run.__module__,
        "host": one.host,
        "figures": [[figure.text, figure.held] for figure in result.figures],
        "held": result.held,
        "seconds": round(took_s, 1),
    }


def _say_what_is_missing(rows):
    for row, why in LATER.items():
        if row in rows or not rows:
            click.echo(f"\n{row} not run: {why}")


if __name__ == "__main__":
    main()
