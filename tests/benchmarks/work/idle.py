"""What it costs to do nothing: CPU and Redis commands, and memory for sockets that idle."""

import contextlib
import socket
import time

from tests.benchmarks.work.definition import Work
from tests.benchmarks.work.sockets import path

#: Seconds after the start that don't count: imports, first connections.
SETTLE_S = 2.0


def run_idle(stack, pace):
    """Watch the processes do nothing; `cpu_percent` is of one core, for all of them, and Redis."""
    time.sleep(min(SETTLE_S, pace.long_s))
    with Monitor(stack.redis.port) as monitor:
        before, start = stack.usage().cpu_s(), time.perf_counter()
        time.sleep(pace.long_s)
        after, seconds = stack.usage().cpu_s(), time.perf_counter() - start
        commands = monitor.count()
    cpu_s = {role: after[role] - before[role] for role in after}
    processes = sum(map(len, stack.processes.values()))
    return {
        "cpu_percent": 100 * sum(cpu_s.values()) / seconds,
        "server_percent": 100 * cpu_s["server"] / seconds,
        "worker_percent": 100 * cpu_s["worker"] / seconds,
        "redis_percent": 100 * cpu_s["redis"] / seconds,
        "commands_per_process": commands / seconds / processes,
        "errors": 0,
    }


class Monitor:
    """Counts the commands that Redis gets over TCP, as its MONITOR tells them.

    The benchmark itself talks to Redis over the Unix socket, and is not counted; neither is what
    scripts do inside Redis.
    """

    def __init__(self, port):
        self._sock = socket.create_connection(("127.0.0.1", port))

    def __enter__(self):
        self._sock.sendall(b"MONITOR\r\n")
        return self

    def __exit__(self, *exc_info):
        self._sock.close()

    def count(self):
        """Return how many commands there have been since the start."""
        self._sock.setblocking(False)
        told = b""
        with contextlib.suppress(BlockingIOError):
            while data := self._sock.recv(65_536):
                told += data
        return sum(b" 127.0.0.1:" in line for line in told.split(b"\r\n"))


def run_memory(stack, pace):
    """Open 1,000 and then 10,000 sockets that do nothing: the memory of each one between."""
    first, last = pace.count(1000), pace.count(10_000)
    job = {"kind": "hold", "port": stack.port, "path": path(stack, "idle"), "stages": [first, last]}
    with stack.converse(job) as generator:
        few = _stage(generator, first, stack)
        generator.tell("go on")
        many = _stage(generator, last, stack)
    sockets = last - first
    values = {f"{role}_bytes_per_socket": (many[role] - few[role]) / sockets for role in many}
    return {**values, "open": last, "errors": 0}


def _stage(generator, expected, stack):
    """Wait until the sockets are open; return the memory by role once all has come to rest."""
    generator.expect("open", expected)
    time.sleep(0.5)
    return stack.usage().memory_bytes()


WORK = [
    Work(
        "idle",
        "Nothing to do: CPU of all processes",
        "cpu_percent",
        "% of one core",
        run_idle,
        lower_is_better=True,
        rounds=1,
        cost_s=11.0,
        in_quick=False,
    ),
    Work(
        "memory",
        "Memory for each idle socket, at 10,000",
        "server_bytes_per_socket",
        "bytes",
        run_memory,
        lower_is_better=True,
        rounds=1,
        cost_s=8.0,
        in_quick=False,
    ),
]
