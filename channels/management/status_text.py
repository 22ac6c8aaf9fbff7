"""What `status()` of a layer returns, as text for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Container, Iterator, Mapping, Sequence, Sized
from typing import Any, TypeAlias

from channels.management.tables import format_age, format_table

#: Columns of the table of channels -> keys of `status()["channels"]`.
CHANNEL_COLUMNS = {
    "delayed": "delayed",
    "owned": "owned",
    "dead": "dead_letters",
    "sent": "messages_count",
}

#: Counts of lost messages -> the reason in short, and what to do.
LOSSES = {
    "channel_full_count": ("refused", "the channel was full: add workers, or raise its capacity"),
    "expired_count": ("expired", "nobody took them in time: add workers, or raise its expiry"),
    "dropped_count": (
        "dropped",
        "a reader was too slow, a socket was given up, or no consumer matches: the logs say which",
    ),
    "lost_count": (
        "lost",
        "their worker died, or Redis went away under them: find out what ends workers; for work "
        "that must not be lost, mark the channel as acknowledged",
    ),
    "doubtful_count": (
        "in doubt",
        "Redis lost its last moments: they may be lost, or have run twice; `appendfsync always` "
        "prevents it, and costs time",
    ),
    "undecodable_count": (
        "unreadable",
        "packed with another key, or not by this layer: give all processes the same "
        "symmetric_encryption_keys",
    ),
    "dead_letter_count": ("given up", "they are kept: manage.py channels_dead_letters"),
}

#: What to do where the channel is the queue of one interface server.
SERVER_LOSSES = {
    "channel_full_count": "the server is too slow for what its sockets are sent: add servers",
    "expired_count": "the server was away, or had died",
}

#: What a status says of one process, channel or node, and the lines that are made of it.
Facts: TypeAlias = Mapping[str, Any]
Lines: TypeAlias = list[str]
#: Channel, count, reason, what to do.
LossFacts: TypeAlias = tuple[str, int, str, str]

_HASH = re.compile(r"[0-9a-f]{40,}")


def format_status(status: Facts, now: float, width: int | None = None) -> list[tuple[str, Lines]]:
    """Return `(title, lines)` for each part of a status.

    Args:
        status: what BaseChannelLayer.status returned.
        now: the time, in seconds since 1970.
        width: columns of the terminal; None does not wrap lines.
    """
    listened_to = {name for worker in status["workers"] for name in worker.get("channels", ())}
    shown = [channel for channel in status["channels"] if _is_shown(channel)]
    losses = [loss for channel in status["channels"] for loss in losses_of(channel)]
    return [
        *_node_part(status.get("nodes", ())),
        (_count(status["servers"], "interface server"), _server_lines(status["servers"], now)),
        (_count(status["workers"], "worker"), _worker_lines(status["workers"], now, width)),
        (_count(shown, "channel"), _channel_lines(shown, listened_to, width)),
        ("lost messages" if losses else "no lost messages", _loss_lines(losses, width)),
    ]


def _node_part(nodes: Sequence[Facts]) -> list[tuple[str, Lines]]:
    """The part of the nodes of a cluster, if the layer has some."""
    if not nodes:
        return []
    keys = ("address", "role", "slots", "partitions")
    lines = format_table(keys, [[node[key] for key in keys] for node in nodes])
    return [(_count(nodes, "node"), lines)]


def _count(items: Sized, noun: str) -> str:
    plural = "" if len(items) == 1 else "s"
    return f"{len(items) or 'no'} {noun}{plural}"


# -- processes --------------------------------------------------------------------------------


def _server_lines(servers: Sequence[Facts], now: float) -> Lines:
    headers = ["id", "host", "pid", "version", "up", "seen", "sockets"]
    return _with_keys(
        servers,
        headers,
        [
            [
                server["id"],
                server.get("host"),
                server.get("pid"),
                *_life(server, now),
                server["sockets"],
            ]
            for server in servers
        ],
    )


def _worker_lines(workers: Sequence[Facts], now: float, width: int | None) -> Lines:
    table = _with_keys(
        workers,
        ["id", "version", "up", "seen", "busy", "sockets"],
        [
            [
                worker["id"],
                *_life(worker, now),
                f"{len(worker.get('running', ()))} of {worker.get('threads', '?')}",
                worker.get("sockets", "-"),
            ]
            for worker in workers
        ],
    )
    lines = table[:1]
    for worker, line in zip(workers, table[1:], strict=True):
        channels = ", ".join(worker.get("channels", ())) or "nothing that is known"
        lines += [line, *_wrap("    takes ", channels, width)]
        moved = hand_overs_of(worker)
        lines += _wrap("    moved ", moved, width) if moved else []
        for item in worker.get("running", ()):
            age = format_age(max(now - item["since"], 0))
            lines += _wrap("    runs  ", f"{item['consumer']} ({age})", width)
    return lines


def hand_overs_of(worker: Facts) -> str:
    """What has come of the instances that were to move: those given away, taken in, and others."""
    counts = worker.get("hand_overs")
    if not isinstance(counts, dict):
        return ""
    return ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))


def _with_keys(
    processes: Sequence[Facts], headers: Sequence[str], rows: Sequence[Sequence[object]]
) -> Lines:
    """The lines of a table; with the fingerprints of encryption keys, if any process has some."""
    if not any(process.get("keys") for process in processes):
        return format_table(headers, rows)
    keys = [" ".join(process.get("keys") or ["none"]) for process in processes]
    rows = [[*row, text] for row, text in zip(rows, keys, strict=True)]
    return format_table([*headers, "keys"], rows)


def _life(process: Facts, now: float) -> list[str | None]:
    """The cells version, up, seen."""
    version, started = process.get("version"), process.get("started")
    if version and _HASH.fullmatch(version):
        version = version[:12]
    up = format_age(max(now - started, 0)) if started else None
    return [version, up, f"{format_age(process['seen_s'])} ago"]


# -- channels ---------------------------------------------------------------------------------


def _is_server_queue(channel: Facts) -> bool:
    return "!" in channel["name"]


def _is_shown(channel: Facts) -> bool:
    """Not what is left of servers and clients that have gone."""
    return not _is_server_queue(channel) or channel["messages_pending"] > 0


def _channel_lines(
    channels: Sequence[Facts], listened_to: Container[str], width: int | None
) -> Lines:
    lines = format_table(
        ["channel", "waiting", "oldest", *CHANNEL_COLUMNS],
        [
            [
                channel["name"],
                channel["messages_pending"],
                format_age(channel["messages_max_age"]) if channel["messages_pending"] else None,
                *(channel[key] for key in CHANNEL_COLUMNS.values()),
            ]
            for channel in channels
        ],
    )
    unheard = ", ".join(
        channel["name"]
        for channel in channels
        if channel["messages_pending"]
        and not _is_server_queue(channel)
        and channel["name"] not in listened_to
    )
    return lines + (_wrap("No worker takes: ", unheard, width) if unheard else [])


def losses_of(channel: Facts) -> Iterator[LossFacts]:
    """What was lost of a channel."""
    for key, (reason, advice) in LOSSES.items():
        if channel.get(key):
            if _is_server_queue(channel):
                advice = SERVER_LOSSES.get(key, advice)
            yield channel["name"], channel[key], reason, advice


def _loss_lines(losses: Sequence[LossFacts], width: int | None) -> Lines:
    lines = format_table(["channel", "count", "reason"], [loss[:3] for loss in losses])
    for reason, advice in dict.fromkeys((loss[2], loss[3]) for loss in losses):
        lines += _wrap(f"{reason}: ", advice, width)
    return lines


def _wrap(head: str, text: str, width: int | None) -> Lines:
    if not width:
        return [head + text]
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
