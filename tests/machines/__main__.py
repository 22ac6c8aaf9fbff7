"""python -m tests.machines: every trouble on every engine, for longer; prints what clients saw."""

from __future__ import annotations

import sys

import click

from tests.machines.engines import ENGINES
from tests.machines.network import find_obstacle
from tests.machines.site import spread
from tests.machines.troubles import TROUBLES, Reports, Trouble, go_through


@click.command()
@click.option("--engine", multiple=True, type=click.Choice([*ENGINES]), help="Default: all.")
@click.option("--seconds", multiple=True, type=float, help="Of trouble.  [default: 10]")
@click.option("--full", is_flag=True, help="For 10 s, and for 60 s.")
@click.option("--only", default="", metavar="TEXT", help="Troubles with this in their names.")
def main(engine: tuple[str, ...], seconds: tuple[float, ...], full: bool, only: str) -> None:
    """Bring trouble between machines, and print a line of a table for each."""
    obstacle = find_obstacle()
    if obstacle is not None:
        sys.exit(obstacle)
    click.echo(
        "| engine | trouble | s | clients of | go on | answers missing | twice | closed | "
        "longest wait |"
    )
    click.echo("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in engine or ENGINES:
        for trouble in TROUBLES:
            if only in trouble.name:
                for trouble_s in (10.0, 60.0) if full else (seconds or (10.0,)):
                    _try(name, trouble, trouble_s)


def _try(engine: str, trouble: Trouble, trouble_s: float) -> None:
    with spread(engine) as site:
        reports = go_through(site, trouble, trouble_s)
    for whose, part in _parts(trouble, reports).items():
        open_ = [report for report in part if report["close_code"] is None]
        missing, twice = (sum(each[key] for each in open_) for key in ("missing", "twice"))
        sent = sum(report["sent"] for report in open_)
        codes = [str(report["close_code"]) for report in part if report["close_code"] is not None]
        closed = ", ".join(f"{codes.count(code)} with {code}" for code in sorted(set(codes)))
        longest_s = max(report["longest_s"] for report in part)
        click.echo(
            f"| {engine} | {trouble.name} | {trouble_s:g} | {whose} | "
            f"{len(open_)} of {len(part)} | {missing} of {sent} | {twice} | "
            f"{closed or 'none'} | {longest_s:.1f} s |"
        )


def _parts(trouble: Trouble, reports: Reports) -> Reports:
    if trouble.of is None:
        return {"both servers": reports["server1"] + reports["server2"]}
    return {"the other server": reports["server1"], "that server": reports["server2"]}


if __name__ == "__main__":
    main()
