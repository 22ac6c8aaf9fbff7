"""What processes use: CPU time and memory, by role."""

import contextlib

import psutil


class Usage:
    """Reads the usage of some processes and of their children.

    Args:
        pids: {role: [process id, …]}.
    """

    def __init__(self, pids):
        self.pids = pids

    def cpu_s(self):
        """Return {role: seconds of CPU used so far}."""
        return {role: sum(map(_tree_cpu_s, pids)) for role, pids in self.pids.items()}

    def memory_bytes(self):
        """Return {role: bytes of resident memory}."""
        return {role: sum(map(_tree_memory, pids)) for role, pids in self.pids.items()}


def _tree(pid):
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _tree_cpu_s(pid):
    total = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _tree_memory(pid):
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total
