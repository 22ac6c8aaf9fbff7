"""What the live page shows, made of what the layer says. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from channels.management.status_text import losses_of

#: Groups are shown largest first, and no more than these.
SHOWN_GROUPS = 100


class Loss(TypedDict):
    """Messages of one channel that were lost for one reason, and what to do about it."""

    count: int
    reason: str
    advice: str


class ChannelRow(TypedDict):
    """One channel. `is_heard`: whether a worker listens on it."""

    name: str
    waiting: int
    oldest_s: float
    delayed: int
    owned: int
    dead_letters: int
    sent: int
    is_heard: bool
    losses: list[Loss]


class Snapshot(TypedDict):
    """Everything that the page shows at one moment; `at` is in seconds since 1970."""

    at: float
    servers: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    channels: list[ChannelRow]
    groups: list[dict[str, Any]]
    more_groups: int


def make_snapshot(status: dict[str, Any], now: float) -> Snapshot:
    """Return what the page shows of `status`, which `BaseChannelLayer.status` returned."""
    heard = {name for worker in status["workers"] for name in worker.get("channels", ())}
    groups = sorted(status.get("groups", ()), key=lambda group: (-group["size"], group["name"]))
    return {
        "at": now,
        "servers": [_process(server, now) for server in status["servers"]],
        "workers": [_process(worker, now) for worker in status["workers"]],
        "channels": list(_channels(status["channels"], heard)),
        "groups": groups[:SHOWN_GROUPS],
        "more_groups": max(len(groups) - SHOWN_GROUPS, 0),
    }


def _process(process: dict[str, Any], now: float) -> dict[str, Any]:
    """One server or worker, with ages in place of times, so that no browser's clock matters."""
    shown = {key: value for key, value in process.items() if key not in ("started", "running")}
    if process.get("started"):
        shown["up_s"] = max(now - process["started"], 0)
    if "running" in process:
        shown["running"] = [
            {
                "consumer": item["consumer"],
                "channel": item["channel"],
                "for_s": max(now - item["since"], 0),
            }
            for item in process["running"]
        ]
    return shown


def _channels(channels: list[dict[str, Any]], heard: set[str]) -> Iterator[ChannelRow]:
    for channel in channels:
        is_queue = "!" in channel["name"]
        losses: list[Loss] = [
            {"count": count, "reason": reason, "advice": advice}
            for _, count, reason, advice in losses_of(channel)
        ]
        if is_queue and not channel["messages_pending"] and not losses:
            continue  # what is left of a process that has gone
        yield {
            "name": channel["name"],
            "waiting": channel["messages_pending"],
            "oldest_s": channel["messages_max_age"],
            "delayed": channel["delayed"],
            "owned": channel["owned"],
            "dead_letters": channel["dead_letters"],
            "sent": channel["messages_count"],
            "is_heard": is_queue or channel["name"] in heard,
            "losses": losses,
        }
