"""A RabbitMQ of one's own: node name, ports, data and epmd are private, on 127.0.0.1 only."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.processes.base import Process, can_connect, free_port, wait_until

#: Seconds until a broker must answer: Erlang takes its time on a busy machine.
START_LIMIT_S = 90


def find_rabbitmq_server() -> str | None:
    """Return the path of the script that starts a broker as the user who calls it; or None."""
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return str(found[-1]) if found else shutil.which("rabbitmq-server")


class RabbitmqServer:
    """What is durable survives `kill` and `restart`. `with` starts and ends it.

    `place`: makes of a command the one that runs it on another machine, which can't be reached from
    here.
    """

    def __init__(
        self, place: Callable[..., list[str]] | None = None, port: int | None = None
    ) -> None:
        self._place = place or (lambda *command: [str(part) for part in command])
        self._is_here = place is None
        self.port, self._dist_port, self._epmd_port = port or free_port(), free_port(), free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="rabbitmq-"))
        self._epmd: Any = None
        self._process: Any = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def pids(self) -> list[int]:
        """The ids of its processes; they have children."""
        return [self._process.pid]

    def __enter__(self) -> "RabbitmqServer":
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self) -> "RabbitmqServer":
        """Start it, with the data that is there; return self."""
        if self._epmd is None:
            command = self._place("epmd", "-port", self._epmd_port, "-address", "127.0.0.1")
            self._epmd = Process(command, self._directory / "epmd.log", env=self._env())
        command = self._place(find_rabbitmq_server())
        self._process = Process(command, self._directory / "log", env=self._env())
        wait_until(self._answers, limit_s=START_LIMIT_S, what=lambda: self._process)
        return self

    def control(self, *arguments: str) -> None:
        """Run rabbitmqctl."""
        server = Path(find_rabbitmq_server() or "")
        command = [server.with_name("rabbitmqctl"), "-n", f"test{self.port}@localhost", *arguments]
        subprocess.run(command, env=self._env(), check=True, capture_output=True, timeout=60)

    def _answers(self) -> bool:
        if not self._process.is_running:
            raise AssertionError(f"RabbitMQ ended at start: {self._process}")
        is_up = "Server startup complete" in self._process.log
        return is_up and (not self._is_here or bool(can_connect(("127.0.0.1", self.port))))

    def _env(self) -> dict[str, str]:
        folder = self._directory
        config = folder / "rabbitmq.conf"
        config.write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        (folder / "enabled_plugins").write_text("[].\n")
        kernel = (
            "-kernel inet_dist_use_interface {127,0,0,1} "
            f"inet_dist_listen_min {self._dist_port} inet_dist_listen_max {self._dist_port}"
        )
        return {
            **{key: value for key, value in os.environ.items() if "RABBITMQ" not in key},
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.sh"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": kernel,
        }

    def stop(self) -> None:
        """Shut down in order; what is durable stays."""
        if self._process is not None:
            self._process.stop(30)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def __exit__(self, *exc_info: object) -> None:
        for process in (self._process, self._epmd):
            if process is not None:
                process.stop(10, by=signal.SIGKILL)
        shutil.rmtree(self._directory, ignore_errors=True)
