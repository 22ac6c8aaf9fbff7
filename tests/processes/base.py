"""A process in a group of its own, and waiting for what it does."""

import atexit
import contextlib
import itertools
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

#: Seconds a process gets to become ready; generous, because CI machines are slow.
START_LIMIT_S = 30
#: Seconds that something gets to become true; a machine may be busy with more than one run.
WAIT_LIMIT_S = 30
#: Seconds a process gets to end after SIGTERM before it is killed.
STOP_LIMIT_S = 15

#: Below the range that Linux gives to outgoing connections, which could take a port in between.
_PORTS = range(20_000, 32_000)
#: A process takes so many of them for itself.
BLOCK_SIZE = 200


def wait_until(condition, *, limit_s=WAIT_LIMIT_S, what="the condition"):
    """Return the first true value of `condition()`; raise AssertionError after `limit_s` seconds.

    `what` names what was waited for; a callable is called to name it once it has failed.
    """
    deadline = time.monotonic() + limit_s
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            named = what() if callable(what) else what
            raise AssertionError(f"waited {limit_s} s in vain for {named}")
        time.sleep(0.02)


class _Ports:
    """A block of ports that this process alone hands out: between its choice of a port and the
    start of what listens there, a run beside this one could choose the same."""

    def __init__(self):
        self._pid = self._claim = self._block = None
        self._lock = threading.Lock()

    def next(self):
        """The port that was handed out the longest time ago."""
        with self._lock:
            if self._pid != os.getpid():  # forked: the block is the parent's
                self._pid, (self._claim, self._block) = os.getpid(), _claim_block()
            return next(self._block)


def _claim_block():
    """Returns (a socket on the first port of a block, which holds it, an endless iterator of the
    others)."""
    starts = list(_PORTS[::BLOCK_SIZE])
    random.shuffle(starts)
    for start in starts:
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", start))
        except OSError:
            claim.close()
            continue
        return claim, itertools.cycle(range(start + 1, start + BLOCK_SIZE))
    raise AssertionError(f"no block of {BLOCK_SIZE} ports from {_PORTS} is free")


_ports = _Ports()


def free_port():
    """Return a TCP port on 127.0.0.1 that nobody listens on, and no other run will choose."""
    while True:
        port = _ports.next()
        with socket.socket() as candidate, contextlib.suppress(OSError):
            candidate.bind(("127.0.0.1", port))
            return port


def can_connect(address):
    """Whether somebody listens on `address`: (host, port), or the path of a Unix socket."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address if isinstance(address, tuple) else str(address)) == 0


class _Watchdog:
    """A process that ends the process groups it was told of, once this process has gone."""

    _SCRIPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""

    def __init__(self):
        self._process = None

    def tell(self, sign, group):
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-c", self._SCRIPT],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            atexit.register(self._stop)
        self._process.stdin.write(f"{sign}{group}\n")
        self._process.stdin.flush()

    def _stop(self):
        self._process.stdin.close()
        self._process.wait()


_watchdog = _Watchdog()


class Process:
    """A command that runs, in a process group of its own, with its output in a file.

    Args:
        command: the command and its arguments, as a list.
        log_path: the file that gets stdout and stderr; it is appended to.
        cwd, env, user, group, extra_groups: as for subprocess.Popen.
    """

    def __init__(self, command, log_path, **options):
        self.command = [str(part) for part in command]
        self.log_path = Path(log_path)
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **options,
            )
        self.pid = self._popen.pid
        _watchdog.tell("+", self.pid)

    @property
    def is_running(self):
        return self._popen.poll() is None

    @property
    def exit_code(self):
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    @property
    def log(self):
        """What it has written so far."""
        return self.log_path.read_bytes()[self._log_start :].decode(errors="replace")

    def wait_for_log(self, pattern, *, limit_s=START_LIMIT_S):
        """Wait until the log matches the regular expression; return the match."""

        def search():
            found = re.search(pattern, self.log)
            if not found and not self.is_running:
                raise AssertionError(f"ended before it wrote {pattern!r}: {self}")
            return found

        return wait_until(search, limit_s=limit_s, what=lambda: f"{pattern!r} in the log of {self}")

    def wait_until_connectable(self, address, *, limit_s=START_LIMIT_S):
        """Wait until the process listens on `address` (see `can_connect`)."""

        def probe():
            if not self.is_running:
                raise AssertionError(f"ended before it listened on {address}: {self}")
            return can_connect(address)

        wait_until(probe, limit_s=limit_s, what=lambda: f"{address} of {self}")

    def send_signal(self, number):
        """Send a signal to the process itself, not to its children."""
        self._popen.send_signal(number)

    def pause(self):
        """SIGSTOP the whole process group."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self):
        """SIGCONT the whole process group."""
        os.killpg(self.pid, signal.SIGCONT)

    def wait(self, limit_s=STOP_LIMIT_S):
        """Wait for the end; return the exit code. Raises AssertionError after `limit_s` seconds."""
        try:
            return self._popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {limit_s} s: {self}") from None

    def stop(self, limit_s=STOP_LIMIT_S, *, by=signal.SIGTERM):
        """Send `by`, then SIGKILL to what is left of the group; return the exit code."""
        if self.is_running:
            self.resume()
            self.send_signal(by)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(limit_s)
        return self.kill()

    def kill(self):
        """SIGKILL the whole group; return the exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait()
        _watchdog.tell("-", self.pid)
        return code

    def __str__(self):
        tail = "\n    ".join(self.log.splitlines()[-30:])
        return f"{' '.join(self.command)} (exit code {self.exit_code}), its log:\n    {tail}"
