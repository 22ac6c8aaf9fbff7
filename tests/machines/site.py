"""The faults' project, spread over machines: an engine, two servers, two workers, clients."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.machines.engines import ENGINES
from tests.machines.network import Network
from tests.processes.base import Process, wait_until
from tests.processes.split import Split

MACHINES = ("engine", "server1", "server2", "worker1", "worker2", "clients")
PORT = 8000
#: What a bad link does to each byte, in seconds, and to a share of all pieces.
DELAY_S, LOSS = 0.1, 0.05


class Spread:
    """The processes, each on its machine."""

    def __init__(self, network: Network, engine_name: str, directory: Path) -> None:
        self.network, self.engine_name = network, engine_name
        self._engine = engine = ENGINES[engine_name]()
        self._directory = directory
        self.split = Split(
            settings="tests.faults.project.settings",
            asgi="tests.faults.project.asgi:channel_layer",
            env={
                "FAULTS_DIRECTORY": str(directory),
                "FAULTS_BACKEND": engine.backend,
                "FAULTS_CONFIG": json.dumps(engine.config(network["engine"])),
                "FAULTS_SETTINGS": "{}",
            },
        )
        self.processes: dict[str, Process] = {}

    def start(self) -> None:
        """Start everything, and wait until it is there."""
        self._start_engine()
        server = self.split._interface_server()
        for name in ("server1", "server2"):
            where = ["-b", "0.0.0.0", "-p", PORT]
            self._run(name, [*server, "--server", "uvicorn", *where, self.split.asgi])
        for name in ("worker1", "worker2"):
            self._run(name, [self.split.python, "manage.py", "runworker"])
        for name in ("worker1", "worker2"):
            self.processes[name].wait_for_log(self.split.WORKER_READY)
        for name in ("server1", "server2"):
            self.processes[name].wait_for_log("(?i)listening|running on")

    def _start_engine(self) -> None:
        machine = self.network["engine"]
        relay = [self.split.python, "-m", "tests.machines.relay", machine.address, DELAY_S, LOSS]
        self._run("relay", [*relay, *self._engine.ports], on="engine").wait_for_log("relaying")
        run = functools.partial(self._run, on="engine")
        self._engine.start(run, machine, self._directory)

    def worsen_links(self) -> None:
        """Let all that goes to the engine, and comes from it, be late, and some of it lost."""
        self.processes["relay"].send_signal(signal.SIGUSR1)

    def mend_links(self) -> None:
        """Undo `worsen_links`."""
        self.processes["relay"].send_signal(signal.SIGUSR2)

    def _run(self, name: str, command: list[object], on: str | None = None) -> Process:
        machine = self.network[on or name]
        log = self._directory / f"{name}.log"
        process = Process(
            machine.command(*command), log, cwd=self.split.directory, env=self.split.env
        )
        self.processes[name] = process
        return process

    def start_clients(self, *, for_s: float, sockets: int = 10, every_s: float = 0.2) -> Process:
        """Start clients of both servers; return when their sockets are open."""
        servers = [(self.network[name].address, PORT) for name in ("server1", "server2")]
        plan = {
            "servers": servers,
            "path": "/ordered",
            "sockets": sockets,
            "every_s": every_s,
            "for_s": for_s,
        }
        command = [self.split.python, "-m", "tests.machines.clients", json.dumps(plan)]
        process = self._run("clients", command)
        process.wait_for_log("running")
        return process

    def reports(self, clients: Process, limit_s: float) -> dict[str, list[dict[str, object]]]:
        """Wait for the clients to end; return their reports by the name of their server."""
        wait_until(lambda: not clients.is_running, limit_s=limit_s, what="the clients to end")
        by_address = json.loads(clients.log.strip().splitlines()[-1])
        names = ("server1", "server2")
        return {name: by_address[self.network[name].address] for name in names}

    def stop(self) -> None:
        """End everything."""
        for process in reversed(self.processes.values()):
            if process.is_running:
                process.kill()
        self._engine.stop()
        self.split.__exit__(None, None, None)


@contextlib.contextmanager
def spread(engine: str) -> Iterator[Spread]:
    """Give a Spread over one of ENGINES that runs; it is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="machines-"))
    try:
        with Network(*MACHINES) as network:
            site = Spread(network, engine, directory)
            try:
                site.start()
                yield site
            except BaseException:
                for log in sorted(directory.glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text()}")
                raise
            finally:
                site.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
