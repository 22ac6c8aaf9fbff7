"""Which Redis the split that is brought up will use: the one that is named, or one of its own."""

import dataclasses
import ipaddress
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from channels.supervising.choices import check_redis, find_redis_server
from channels.supervising.errors import CannotStart


@dataclasses.dataclass(frozen=True)
class RedisChoice:
    """A Redis.

    Attributes:
        url: where it answers; "" if the layer needs none.
        command: what starts it; "" if it runs already.
    """

    url: str
    command: str = ""


def start_redis(listen: Sequence[str], data: Path) -> str:
    """Return the command line of a Redis that keeps its data in `data`."""
    options = ["--dir", str(data), "--save", "", "--appendonly", "yes"]
    options += ["--maxmemory-policy", "noeviction"]
    return shlex.join([find_redis_server(), *listen, *options]).replace("%", "%%")


def on_socket(path: Path) -> list[str]:
    """Return the options of a Redis that answers at a Unix socket only."""
    return ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]


def choose_redis(
    named: str, socket: Path, data: Path, ask_hosts: Callable[[str], list[str]]
) -> RedisChoice:
    """Return the Redis to use.

    Args:
        named: REDIS_URL of the environment, or "".
        socket: where a Redis of our own would answer.
        data: the folder that it would keep its data in.
        ask_hosts: returns the URLs that the project's settings name if REDIS_URL is as given.

    Raises CannotStart.
    """
    if named:
        check_redis(named)
        return RedisChoice(named)
    ours = f"unix://{socket}"
    hosts = ask_hosts(ours)
    if not hosts:
        return RedisChoice("")
    if hosts == [ours]:
        return RedisChoice(ours, start_redis(on_socket(socket), data))
    troubles = [trouble for host in hosts if (trouble := _find_trouble(host))]
    if not troubles:
        return RedisChoice(hosts[0])
    if len(hosts) == 1 and (listen := _here(hosts[0])):
        return RedisChoice(hosts[0], start_redis(listen, data))
    raise CannotStart(f"{troubles[0]}: start it, or name another one there")


def _find_trouble(url: str) -> str:
    try:
        check_redis(url, "CHANNEL_LAYERS")
    except CannotStart as error:
        return str(error)
    return ""


def _here(url: str) -> list[str] | None:
    """The options of a Redis that answers at `url`, if that is a plain address of this machine."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        return None
    if parts.scheme != "redis" or parts.password or not is_local:
        return None
    return ["--bind", host, "--port", str(parts.port or 6379)]
