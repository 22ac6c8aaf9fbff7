"""supervisord as a child: its configuration with the values put in, its state, its end."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import xmlrpc.client
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

TEMPLATE = Path(__file__).with_name("supervisord.conf")

#: Seconds that supervisord gets to stop all; longer than any stopwaitsecs of the template.
STOP_LIMIT_S = 60

#: supervisord loses a signal to a child that has been forked, but is not yet the program: nothing
#: is stopped before it has had this many seconds.
YOUNGEST_S = 1.0


def render(template, values):
    """Return the template with each %(ENV_NAME)s replaced by values["NAME"], whose % are escaped.

    Raises KeyError with the name of a value that is missing.
    """
    return re.sub(
        r"%\(ENV_(\w+)\)s", lambda match: str(values[match[1]]).replace("%", "%%"), template
    )


class Supervisord:
    """A supervisord that runs the split.

    Args:
        run_dir: where its files go.
        socket_path: the Unix socket that it answers on.
        values: what the template needs, by name.
        env: the environment of its children.
    """

    def __init__(self, run_dir, socket_path, values, env):
        self.config_path = run_dir / "supervisord.conf"
        self.config_path.write_text(render(TEMPLATE.read_text(), values))
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
    def is_running(self):
        return self._process.poll() is None

    @property
    def output(self):
        """What supervisord itself wrote."""
        return self._log_path.read_text(errors="replace")

    def programs(self):
        """Return the state of each program, as supervisord's getAllProcessInfo gives it.

        An empty list while supervisord doesn't answer (yet).
        """
        try:
            return self._api.supervisor.getAllProcessInfo()
        except (OSError, xmlrpc.client.Error, ValueError):
            self._transport.close()
            return []

    def stop(self):
        """Stop every program in order, and supervisord; return whether all ended in time."""
        time.sleep(max(0, YOUNGEST_S - (time.monotonic() - self._started)))
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


def tail(path, lines=15):
    """Return the last lines of a text file; "" if it isn't there."""
    with contextlib.suppress(OSError):
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    return ""
