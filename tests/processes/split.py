"""The interface servers, workers and management commands of one Django project."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.processes.base import Process, free_port

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class Server(Process):
    """An interface server: a Process with the port it serves, if it serves one."""

    port: int | None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self):
        return f"ws://127.0.0.1:{self.port}"


class Split:
    """The processes of one Django project: interface servers, workers, management commands.

    Args:
        directory: where manage.py is; every process runs there.
        settings: the settings module.
        asgi: what the interface servers serve, "module:name".
        redis_url: handed on as REDIS_URL.
        env: more environment variables for every process.
        python: the interpreter; by default the one that runs the tests, with this checkout on its
            path. Another one must have the package installed.
    """

    #: What a worker logs once it listens.
    WORKER_READY = r"(?i)listening on"

    def __init__(
        self,
        directory=REPOSITORY,
        *,
        settings="project.settings",
        asgi="project.asgi:channel_layer",
        redis_url=None,
        env=None,
        python=None,
    ):
        self.directory, self.asgi = Path(directory), asgi
        self.python = str(python or sys.executable)
        self.env = self._environment(settings, redis_url, env or {}, in_checkout=python is None)
        self.servers, self.workers = [], []
        self._logs = Path(tempfile.mkdtemp(prefix="split-"))
        self._count = 0

    @staticmethod
    def _environment(settings, redis_url, more, *, in_checkout):
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "PYTHONUNBUFFERED": "1"}
        env.pop("REDIS_URL", None)
        if redis_url:
            env["REDIS_URL"] = redis_url
        if in_checkout:
            env["PYTHONPATH"] = os.pathsep.join(
                filter(None, [str(REPOSITORY), env.get("PYTHONPATH")])
            )
        return {**env, **more}

    def _log_path(self, kind):
        self._count += 1
        return self._logs / f"{self._count:02}-{kind}.log"

    def start_server(
        self, *args, server="daphne", port=None, unix_socket=None, wait=True, env=None
    ):
        """Start `interface-server`; return the Server.

        `port`: by default a free one. `unix_socket`: the path of a socket to listen on instead of
        a port. `args`: more command line arguments. `wait`: return only when it listens. `env`:
        environment variables of this one alone.
        """
        if unix_socket is None:
            port = port or free_port()
            where = ["-b", "127.0.0.1", "-p", port]
        else:
            where = ["--unix-socket", unix_socket]
        command = [*self._interface_server(), "--server", server, *where, *args]
        if self.asgi is not None:
            command.append(self.asgi)
        process = self._start(Server, command, "interface-server", env)
        process.port = port
        self.servers.append(process)
        if wait:
            process.wait_until_connectable(unix_socket or ("127.0.0.1", port))
        return process

    def _interface_server(self):
        installed = Path(self.python).parent / "interface-server"
        if installed.exists():
            return [installed]
        return [self.python, "-c", "from interface_server.cli import main; main()"]

    def start_worker(self, *args, wait=True, env=None):
        """Start `manage.py runworker` with `args`; return the Process.

        `wait`: return only when it listens to its channels. `env`: environment variables of this
        one alone.
        """
        command = [self.python, "manage.py", "runworker", *args]
        process = self._start(Process, command, "worker", env)
        self.workers.append(process)
        if wait:
            process.wait_for_log(self.WORKER_READY)
        return process

    def start_command(self, *command, name="command"):
        """Start another command in the project's directory and environment; return the Process."""
        process = self._start(Process, command, name)
        self.workers.append(process)
        return process

    def _start(self, kind, command, name, env=None):
        return kind(
            command, self._log_path(name), cwd=self.directory, env={**self.env, **(env or {})}
        )

    def manage(self, *args, text=None, limit_s=60):
        """Run `manage.py args…` to its end, `text` on its stdin; return its stdout.

        Raises AssertionError with its output if it fails.
        """
        done = subprocess.run(
            [self.python, "manage.py", *map(str, args)],
            cwd=self.directory,
            env=self.env,
            input=text,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        if done.returncode:
            raise AssertionError(
                f"manage.py {' '.join(map(str, args))} gave {done.returncode}:\n"
                f"{done.stdout}\n{done.stderr}"
            )
        return done.stdout

    @property
    def url(self):
        """The http:// URL of the server that was started last, without a slash at its end."""
        return self.servers[-1].url

    @property
    def ws_url(self):
        """The ws:// URL of the server that was started last, without a slash at its end."""
        return self.servers[-1].ws_url

    def restart_server(self, server=None, *args, **kwargs):
        """Stop a server (by default the last one) and start another on its port; return that."""
        server = server or self.servers[-1]
        server.stop()
        self.servers.remove(server)
        return self.start_server(*args, port=server.port, **kwargs)

    def stop_workers(self):
        """Stop all workers; return their exit codes."""
        codes = [worker.stop() for worker in self.workers]
        self.workers.clear()
        return codes

    @property
    def logs(self):
        """The logs of all its processes, those that have ended too."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')}"
            for path in sorted(self._logs.iterdir())
        )

    def stop(self):
        """Stop all processes. The logs stay until `__exit__`."""
        for process in self.servers:
            process.stop()
        self.stop_workers()
        self.servers.clear()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.stop()
        if error is not None:
            print(self.logs)
        shutil.rmtree(self._logs, ignore_errors=True)
