"""An event listener of supervisord that starts again what runs, but lives no more.

    python -m channels.supervising.health_listener interface=9400 worker=9500

Each argument is a program and the port of its first process (the next one's is one higher). Once a
minute each is asked for /-/live; after three bad answers in a row it is started again.
"""

import collections
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from supervisor import childutils

from channels.metrics.probe import ask

#: Bad answers in a row until a process is started again.
PATIENCE = 3


class HealthWatch:
    """Remembers how often each process has not answered.

    Args:
        ports: program -> the port of its first process.
        ask: returns (whether all is well, what was answered) for a URL.
    """

    def __init__(self, ports: dict[str, int], ask: Callable[[str], tuple[bool, str]]) -> None:
        self._ports, self._ask = ports, ask
        self._failures: collections.Counter[str] = collections.Counter()

    def find_dead(self, programs: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        """Yield (name for supervisorctl, why) of each process to start again.

        `programs` is what supervisord's getAllProcessInfo returned.
        """
        for program in programs:
            group, name = program["group"], f"{program['group']}:{program['name']}"
            if group not in self._ports or program["statename"] != "RUNNING":
                self._failures.pop(name, None)
                continue
            is_good, answer = self._ask(self._url(group, program["name"]))
            self._failures[name] = 0 if is_good else self._failures[name] + 1
            if self._failures[name] >= PATIENCE:
                del self._failures[name]
                yield name, answer.strip()

    def _url(self, group: str, name: str) -> str:
        number = name.rpartition("-")[2]
        port = self._ports[group] + (int(number) if number.isdecimal() else 0)
        return f"http://127.0.0.1:{port}/-/live"


def read_ports(arguments: Iterable[str]) -> dict[str, int]:
    """Read NAME=PORT."""
    pairs = (argument.partition("=") for argument in arguments)
    return {name: int(port) for name, _, port in pairs}


def main() -> None:
    """Listen to supervisord until it ends."""
    watch = HealthWatch(read_ports(sys.argv[1:]), ask)
    supervisord: Any = childutils.getRPCInterface(os.environ).supervisor
    while True:
        childutils.listener.wait(sys.stdin, sys.stdout)
        for name, why in watch.find_dead(supervisord.getAllProcessInfo()):
            print(f"{name} lives no more ({why}): it is started again", file=sys.stderr, flush=True)
            supervisord.stopProcess(name)
            supervisord.startProcess(name)
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
