"""The status, again and again, in colours (needs rich)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from channels.exceptions import LayerUnavailable
from channels.management.status_text import hand_overs_of, losses_of
from channels.management.tables import format_age

#: Messages that have waited longer than this are shown as trouble.
LATE_S = 5.0
#: A sign of life comes every 5 s; later than this it is shown as trouble.
SILENT_S = 10.0

Cells = Iterable[tuple[Any, str]]


def watch(
    ask: Callable[[], Mapping[str, Any]],
    every_s: float,
    *,
    console: Console | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show what `ask` returns, until KeyboardInterrupt."""
    with Live(console=console, auto_refresh=False, screen=False) as live:
        try:
            while True:
                live.update(_look(ask), refresh=True)
                sleep(every_s)
        except KeyboardInterrupt:
            return


def _look(ask: Callable[[], Mapping[str, Any]]) -> RenderableType:
    try:
        return render(ask(), time.time())
    except LayerUnavailable as error:
        return Text(f"{time.strftime('%X')}  {error}", "bold red")


def render(status: Mapping[str, Any], now: float) -> RenderableType:
    """Return a status as tables; what is trouble is red, what may become it is yellow."""
    taken = {name for worker in status["workers"] for name in worker.get("channels", ())}
    losses = [loss for channel in status["channels"] for loss in losses_of(channel)]
    return Group(
        Text(time.strftime("%X", time.localtime(now)), "dim"),
        _table(
            "interface servers",
            ("id", "host", "pid", "version", "up", "seen", "sockets"),
            [_server(server, now) for server in status["servers"]],
        ),
        _table(
            "workers",
            ("id", "version", "up", "seen", "busy", "sockets", "moved", "runs"),
            [_worker(worker, now) for worker in status["workers"]],
        ),
        _table(
            "channels",
            ("channel", "waiting", "oldest", "delayed", "dead", "sent", "taken"),
            [_channel(c, taken) for c in status["channels"] if "!" not in c["name"]],
        ),
        *([_losses(losses)] if losses else []),
    )


def _table(title: str, headers: Iterable[str], rows: Iterable[Cells]) -> RenderableType:
    rows = list(rows)
    if not rows:
        return Text(f"no {title}", "bold red" if title != "channels" else "dim")
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for header in headers:
        table.add_column(header, header_style="dim")
    for row in rows:
        table.add_row(*(Text(_shown(value), style) for value, style in row))
    return table


def _shown(value: object) -> str:
    return "-" if value is None or value == "" else str(value)


def _life(process: Mapping[str, Any], now: float) -> Cells:
    started, seen_s = process.get("started"), process["seen_s"]
    return [
        (process.get("version"), ""),
        (format_age(max(now - started, 0)) if started else None, ""),
        (f"{format_age(seen_s)} ago", "red" if seen_s > SILENT_S else ""),
    ]


def _server(server: Mapping[str, Any], now: float) -> Cells:
    named = [(server["id"], ""), (server.get("host"), ""), (server.get("pid"), "")]
    return [*named, *_life(server, now), (server["sockets"], "")]


def _worker(worker: Mapping[str, Any], now: float) -> Cells:
    running, threads = worker.get("running", ()), worker.get("threads", "?")
    is_full = len(running) == threads
    return [
        (worker["id"], ""),
        *_life(worker, now),
        (f"{len(running)} of {threads}", "yellow" if is_full else "green"),
        (worker.get("sockets"), ""),
        (hand_overs_of(worker), _style_of_moves(worker.get("hand_overs"))),
        (", ".join(one["consumer"] for one in running), "dim"),
    ]


def _style_of_moves(counts: object) -> str:
    """Some could not be put back here, and their sockets were closed; or could not move at all."""
    if not isinstance(counts, dict):
        return ""
    return "red" if counts.get("failed") else "yellow" if counts.get("stayed") else ""


def _channel(channel: Mapping[str, Any], taken: set[str]) -> Cells:
    waiting, age_s = channel["messages_pending"], channel["messages_max_age"]
    is_taken = channel["name"] in taken
    style = "" if not waiting else "red" if age_s > LATE_S or not is_taken else "yellow"
    return [
        (channel["name"], style),
        (waiting, style),
        (format_age(age_s) if waiting else None, style),
        (channel["delayed"], ""),
        (channel["dead_letters"], "red" if channel["dead_letters"] else ""),
        (channel["messages_count"], ""),
        (
            "yes" if is_taken else "by no worker",
            "green" if is_taken else "red" if waiting else "dim",
        ),
    ]


def _losses(losses: Iterable[tuple[Any, ...]]) -> RenderableType:
    rows = [[(value, "red" if place < 3 else "") for place, value in enumerate(x)] for x in losses]
    return _table("lost messages", ("channel", "count", "reason", "what to do"), rows)
