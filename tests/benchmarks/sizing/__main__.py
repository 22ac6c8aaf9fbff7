"""python -m tests.benchmarks.sizing: measure, and print Markdown tables."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tests.benchmarks import machine
from tests.benchmarks.sizing import measures
from tests.benchmarks.sizing.engines import ENGINES, Engine, open_cluster


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    messages: int = 5_000
    latencies: int = 100
    workers: tuple[int, ...] = (1, 2, 4, 8)
    channels: tuple[int, ...] = (5, 50, 500)
    groups: tuple[int, ...] = (10, 100, 1_000, 10_000)
    group_sends: int = 20
    memberships: tuple[int, int] = (1_000, 1_000)
    sockets: tuple[int, ...] = (1_000, 5_000, 20_000)
    nodes: tuple[int, ...] = (1, 2, 3, 6)


SHORT = Extent(
    messages=1_000,
    latencies=30,
    workers=(1, 2, 4),
    channels=(5, 50, 500),
    groups=(10, 100, 1_000),
    group_sends=10,
    memberships=(100, 10),
    sockets=(200, 1_000),
    nodes=(1, 3),
)
SMOKE = Extent(
    messages=20,
    latencies=3,
    workers=(1,),
    channels=(5,),
    groups=(10,),
    group_sends=2,
    memberships=(3, 2),
    sockets=(10,),
    nodes=(1,),
)

#: Part -> what measures it, and what its figures are.
PARTS: dict[str, tuple[str, Callable[[Engine, Extent], Any]]] = {
    "rates": ("One process sends and takes", lambda e, x: measures.rates(e, x.messages)),
    "latency": (
        "From a send to a reader that waits, ms (median)",
        lambda e, x: {"ms": measures.latency_ms(e, x.latencies)},
    ),
    "workers": (
        "Takes a second by so many workers",
        lambda e, x: measures.over_workers(e, x.messages, x.workers),
    ),
    "channels": (
        "Takes a second by a reader of so many channels",
        lambda e, x: measures.over_channels(e, x.messages, x.channels),
    ),
    "groups": (
        "A send to a group of so many sockets of one server, ms",
        lambda e, x: measures.over_groups(e, x.groups, x.group_sends),
    ),
    "memberships": (
        "Many groups for each of many sockets",
        lambda e, x: measures.over_memberships(e, *x.memberships),
    ),
    "sockets": (
        "Bytes of the engine for each of so many sockets",
        lambda e, x: measures.over_sockets(e, x.sockets),
    ),
}


@click.command()
@click.option("--engine", multiple=True, type=click.Choice([*ENGINES]), help="Default: all.")
@click.option("--part", multiple=True, type=click.Choice([*PARTS, "nodes"]), help="Default: all.")
@click.option("--short", is_flag=True, help="Smaller numbers: about two minutes.")
@click.option("--smoke", is_flag=True, help="Seconds only: shows that all of it works.")
@click.option("--cores", help="Cores for everything, as in 0,1.  [default: the first two]")
@click.option("--json", "json_path", type=click.Path(dir_okay=False), help="Write the figures.")
def main(
    engine: tuple[str, ...],
    part: tuple[str, ...],
    short: bool,
    smoke: bool,
    cores: str | None,
    json_path: str | None,
) -> None:
    """Measure what messages, sockets and groups cost on each layer."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    chosen = [int(core) for core in (cores or "").split(",") if core]
    used = machine.use_cores(chosen or machine.default_cores())
    extent = SMOKE if smoke else SHORT if short else Extent()
    wanted = part or (*PARTS, "nodes")
    found: dict[str, dict[str, Any]] = {name: {} for name in wanted}
    try:
        for name in engine or ENGINES:
            _measure_one(name, extent, found)
        if "nodes" in wanted and "cluster" in (engine or ENGINES):
            for count in extent.nodes:
                found["nodes"][str(count)] = _measure_nodes(count, extent)
    finally:  # of a run that is ended, too
        for name, rows in found.items():
            _show(PARTS[name][0] if name in PARTS else "A cluster of so many masters", rows)
    if json_path:
        document = {"machine": machine.facts(used), "extent": extent.__dict__, "found": found}
        Path(json_path).write_text(json.dumps(document, indent=1) + "\n")


def _measure_one(name: str, extent: Extent, found: dict[str, dict[str, Any]]) -> None:
    with ENGINES[name]() as engine:
        for part, rows in found.items():
            if part in PARTS:
                click.echo(f"{name}: {part}", err=True)
                with _told(f"{name}: {part}"):
                    rows[name] = PARTS[part][1](engine, extent)


def _measure_nodes(count: int, extent: Extent) -> dict[str, float]:
    click.echo(f"cluster of {count}", err=True)
    with open_cluster(count) as engine:
        values = measures.rates(engine, extent.messages)
        values["takes a second, 2 workers"] = measures.over_workers(engine, extent.messages, [2])[2]
        return values


@contextlib.contextmanager
def _told(what: str) -> Any:
    """A part that fails is told, and the others go on."""
    try:
        yield
    except Exception:
        click.echo(f"{what} failed:", err=True)
        traceback.print_exc(limit=-3)


def _show(title: str, rows: dict[str, Any]) -> None:
    """Print a table: a row for each engine."""
    click.echo(f"\n### {title}\n")
    columns = list(dict.fromkeys(str(key) for values in rows.values() for key in values))
    click.echo("| | " + " | ".join(columns) + " |")
    click.echo("| --- |" + " --- |" * len(columns))
    for name, values in rows.items():
        by_column = {str(key): value for key, value in values.items()}
        cells = [_text(by_column.get(column)) for column in columns]
        click.echo(f"| {name} | " + " | ".join(cells) + " |")


def _text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
