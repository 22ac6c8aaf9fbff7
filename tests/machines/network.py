"""Machines in network namespaces, joined by a bridge: links that go down, and ways that are lost.

Needs Linux, root and iproute2. Nothing outside the namespaces is touched: the bridge lies in one
of its own, and no machine has a way to anywhere but the others.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass

#: A network of documentation (RFC 5737): nobody's addresses.
NETWORK = "192.0.2"
#: A hardware address that no machine has.
NOWHERE = "02:00:00:00:00:fe"


def find_obstacle() -> str | None:
    """Return why machines can't be made here; None if they can."""
    if shutil.which("ip") is None:
        return "no `ip` command: install iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"probe-{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return f"network namespaces can't be made: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


@dataclass(frozen=True)
class Machine:
    """One machine: its namespace, its address, and its end of the cable to the bridge."""

    name: str
    namespace: str
    address: str
    cable: str

    def command(self, *command: object) -> list[str]:
        """Return the command that runs `command` on this machine."""
        return ["ip", "netns", "exec", self.namespace, *map(str, command)]


class Network:
    """Machines by their names. Leaving it takes all of them away."""

    def __init__(self, *names: str) -> None:
        self._tag = secrets.token_hex(2)
        self._hub = f"hub-{self._tag}"
        self.machines = {
            name: Machine(name, f"{name}-{self._tag}", f"{NETWORK}.{number}", f"c{number}")
            for number, name in enumerate(names, start=1)
        }

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    def __enter__(self) -> Network:
        _ip("netns", "add", self._hub)
        self._in_hub("link", "add", "bridge", "type", "bridge")
        self._in_hub("link", "set", "bridge", "up")
        for machine in self.machines.values():
            self._connect(machine)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for machine in self.machines.values():
            _ip("netns", "del", machine.namespace, check=False)
        _ip("netns", "del", self._hub, check=False)

    def _connect(self, machine: Machine) -> None:
        _ip("netns", "add", machine.namespace)
        self._in_hub(
            "link", "add", machine.cable, "type", "veth",
            "peer", "name", "eth0", "netns", machine.namespace,
        )  # fmt: skip
        self._in_hub("link", "set", machine.cable, "master", "bridge", "up")
        for command in (
            ["link", "set", "lo", "up"],
            ["address", "add", f"{machine.address}/24", "dev", "eth0"],
            ["link", "set", "eth0", "up"],
        ):
            self._on(machine, *command)

    def _in_hub(self, *command: str) -> None:
        _ip("-netns", self._hub, *command)

    @staticmethod
    def _on(machine: Machine, *command: str) -> None:
        _ip("-netns", machine.namespace, *command)

    # -- trouble ------------------------------------------------------------------------------

    def unplug(self, name: str) -> None:
        """Take a machine's cable out: nothing gets in or out, and nobody is told."""
        self._in_hub("link", "set", self[name].cable, "nomaster")

    def plug(self, name: str) -> None:
        """Put it back."""
        self._in_hub("link", "set", self[name].cable, "master", "bridge")

    def lose_way(self, source: str, target: str) -> None:
        """Lose all that `source` sends to `target`; what comes back arrives."""
        self._on(
            self[source], "neigh", "replace", self[target].address,
            "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent",
        )  # fmt: skip

    def find_way(self, source: str, target: str) -> None:
        """Undo `lose_way`."""
        self._on(self[source], "neigh", "del", self[target].address, "dev", "eth0")


def _ip(*command: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *command], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(command)}: {done.stderr.strip()}")
