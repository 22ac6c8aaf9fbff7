"""The options that say which processes a split is made of."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management import CommandError

from channels.recipes.parts import BadShard, Shard, parse_shard
from interface_server.hosts import HOST_NAMES


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError(f"{text!r} is no number from 1 to 64")
    return int(text)


def read_metrics_port(text: str) -> int:
    """Read --metrics-port."""
    if not text.isdecimal() or int(text) % 100 or int(text) > 60_000:
        raise ArgumentTypeError(f"{text!r} is no multiple of 100 up to 60000")
    return int(text)


def add_part_arguments(parser: ArgumentParser) -> None:
    """Let a command take --workers, --shard and --server."""
    parser.add_argument(
        "--workers",
        type=_count,
        default=2,
        metavar="N",
        help="Workers for pages and sockets (default: 2).",
    )
    parser.add_argument(
        "--shard",
        action="append",
        default=[],
        metavar="NAME[:N[xT]]=GLOB[,GLOB...]",
        help="Channels that get N workers of their own (default: 1) with T threads each (default: "
        "1), as in thumbnails:2x8=thumbnails,images-*; may be given several times.",
    )
    parser.add_argument(
        "--server",
        choices=HOST_NAMES,
        default="daphne",
        help="What hosts the interface server (default: daphne).",
    )


def read_shards(options: dict[str, Any]) -> tuple[Shard, ...]:
    """Return what --shard says. Raises CommandError."""
    try:
        return tuple(map(parse_shard, options["shard"]))
    except BadShard as error:
        raise CommandError(str(error)) from error
