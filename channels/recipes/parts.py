"""The processes of a split, whoever starts them: one server, groups of workers, a delay server."""

import dataclasses
import fnmatch
import re
from collections.abc import Iterable

#: What a project's pages and sockets come on.
PAGES_AND_SOCKETS = ("http.*", "websocket.*")
#: Longer than the --grace of an interface server: running requests get to finish.
SERVER_STOP_S = 20
#: A worker finishes what it runs.
WORKER_STOP_S = 60


class BadShard(ValueError):
    """A --shard that can't be understood; the text says why."""


@dataclasses.dataclass(frozen=True)
class Shard:
    """Channels that have workers of their own.

    Args:
        name: what they are called.
        globs: the channels.
        processes: how many workers.
        threads: how many consumers each runs at the same time.
    """

    name: str
    globs: tuple[str, ...]
    processes: int = 1
    threads: int = 1


@dataclasses.dataclass(frozen=True)
class SitePart:
    """A process, or several that are alike.

    Args:
        name: in file names and as the name of a service.
        title: what it does, for people.
        kind: "server", "worker" or "delay".
        arguments: its arguments: of interface-server, or of manage.py.
        processes: how many run.
        stop_s: seconds that it gets to end.
    """

    name: str
    title: str
    kind: str
    arguments: tuple[str, ...]
    processes: int = 1
    stop_s: int = WORKER_STOP_S


_SHARD = re.compile(
    r"(?P<name>[a-z][a-z0-9-]*)(:(?P<processes>\d+)(x(?P<threads>\d+))?)?=(?P<globs>\S+)"
)
#: Names that other parts have.
_TAKEN = ("interface", "worker", "background", "delay", "redis", "migrate")


def parse_shard(text: str) -> Shard:
    """Read NAME[:PROCESSES[xTHREADS]]=GLOB[,GLOB…]. Raises BadShard."""
    found = _SHARD.fullmatch(text)
    if found is None:
        raise BadShard(
            f"--shard {text!r} is not NAME[:PROCESSES[xTHREADS]]=GLOB[,GLOB...], "
            "as in thumbnails:2x8=thumbnails,images-*"
        )
    if found["name"] in _TAKEN:
        raise BadShard(
            f"--shard {text!r}: {found['name']!r} is the name of another part, choose one of your "
            "own"
        )
    processes, threads = int(found["processes"] or 1), int(found["threads"] or 1)
    if not any(found["globs"].split(",")):
        raise BadShard(f"--shard {text!r} names no channel after its =")
    if not processes or not threads:
        raise BadShard(f"--shard {text!r}: the numbers of processes and threads begin at 1")
    globs = tuple(glob for glob in found["globs"].split(",") if glob)
    return Shard(found["name"], globs, processes, threads)


def plan_workers(
    shards: Iterable[Shard], *, workers: int, own_channels: Iterable[str], has_delay: bool
) -> list[SitePart]:
    """Return the groups of workers: for pages and sockets, each shard, and all other channels."""
    shards = list(shards)
    taken = [glob for shard in shards for glob in shard.globs]
    pages = [glob for glob in PAGES_AND_SOCKETS if glob not in taken]
    parts = []
    if pages:
        parts.append(
            SitePart(
                "worker",
                "Runs the pages and the socket consumers",
                "worker",
                ("runworker", *(f"--only-channels={glob}" for glob in pages)),
                processes=workers,
            )
        )
    parts += [_plan_shard(shard) for shard in shards]
    if any(not _is_in(channel, taken) for channel in own_channels):
        everything = dict.fromkeys([*PAGES_AND_SOCKETS, *taken])
        parts.append(
            SitePart(
                "background",
                "Runs everything else, so that slow work never keeps a page waiting",
                "worker",
                ("runworker", *(f"--exclude-channels={glob}" for glob in everything)),
            )
        )
    if has_delay:
        parts.append(
            SitePart("delay", "Keeps the messages that are not due yet", "delay", ("rundelay",))
        )
    return parts


def _is_in(channel: str, globs: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(channel, glob) for glob in globs)


def _plan_shard(shard: Shard) -> SitePart:
    arguments = ["runworker", *(f"--only-channels={glob}" for glob in shard.globs)]
    if shard.threads > 1:
        arguments.append(f"--threads={shard.threads}")
    return SitePart(
        shard.name,
        f"Runs {', '.join(shard.globs)}",
        "worker",
        tuple(arguments),
        processes=shard.processes,
    )


def plan_server(arguments: Iterable[str], asgi: str) -> SitePart:
    """Return the part that holds the browsers' connections."""
    return SitePart(
        "interface",
        "Holds the browsers' connections; new code of the project does not restart it",
        "server",
        (*arguments, asgi),
        stop_s=SERVER_STOP_S,
    )
