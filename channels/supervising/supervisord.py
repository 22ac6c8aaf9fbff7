"""supervisord as a child: its state, and its end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, cast

from supervisor.xmlrpc import SupervisorTransport

#: Seconds that supervisord gets to stop all; longer than any stopwaitsecs of its programs.
STOP_LIMIT_S = 60

#: supervisord loses a signal to a child that has been forked, but is not yet the program: nothing
#: is stopped before it has had this many seconds.
YOUNGEST_S = 1.0


class Program(TypedDict):
    """What supervisord's getAllProcessInfo says of one process (the keys that are used here)."""

    name: str
    group: str
    statename: str
    pid: int
    spawnerr: str
    description: str


class Supervisord:
    """A supervisord that runs the split.

    Args:
        run_dir: where its files go.
        socket_path: the Unix socket that it answers on, as the configuration says.
        configuration: the text of its configuration.
        env: the environment of its children.
    """

    def __init__(
        self, run_dir: Path, socket_path: Path, configuration: str, env: Mapping[str, str]
    ) -> None:
        self.config_path = run_dir / "supervisord.conf"
        self.config_path.write_text(configuration)
        self._log_path = run_dir / "log" / "supervisord.out"
        self._transport = SupervisorTransport(None, None, f"unix://{socket_path}")
        self._api = xmlrpc.client.ServerProxy("http://localhost", transport=self._transport)
        self._started = time.monotonic()
        with self._log_path.open("w") as log:
            # A session of its own: Ctrl-C is for us, and we stop it in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", self.config_path],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """What supervisord itself wrote."""
        return self._log_path.read_text(errors="replace")

    def programs(self) -> list[Program]:
        """Return the state of each program; nothing while supervisord doesn't answer (yet)."""
        try:
            return cast(list[Program], self._api.supervisor.getAllProcessInfo())
        except (OSError, xmlrpc.client.Error, ValueError):
            self._transport.close()
            return []

    def stop(self) -> bool:
        """Stop every program in order, and supervisord; return whether all ended in time."""
        time.sleep(max(0.0, YOUNGEST_S - (time.monotonic() - self._started)))
        pids = [program["pid"] for program in self.programs() if program["pid"]]
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT_S)
            return True
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            return False
        finally:
            self._transport.close()


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a text file; "" if it isn't there."""
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""
