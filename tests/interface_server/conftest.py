"""Real host servers that run the site of `tests.interface_server.sites.memory`."""

import contextlib
import json
import os
import sys
from pathlib import Path

import pytest

from interface_server.hosts import HOST_NAMES
from tests.processes import REPOSITORY, Process, free_port, wait_until

SITE = "tests.interface_server.sites.memory:channel_layer"
PYTHON = [sys.executable, "-c"]
OURS = [*PYTHON, "from interface_server.cli import main; main()"]

#: How to start each host; {port} is filled in.
COMMANDS = {
    **{
        f"interface-server {name}": [*OURS, "-v", "0", "-p", "{port}", "--server", name, SITE]
        for name in HOST_NAMES
    },
    "daphne": [sys.executable, "-m", "daphne", "-v", "0", "-p", "{port}", SITE],
    "uvicorn": [sys.executable, "-m", "uvicorn", "--no-access-log", "--port", "{port}", SITE],
    "gunicorn": [
        *[sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:{port}", "--workers", "1"],
        *["-k", "uvicorn.workers.UvicornWorker", SITE],
    ],
    "hypercorn": [sys.executable, "-m", "hypercorn", "-b", "127.0.0.1:{port}", SITE],
    "granian": [
        *[sys.executable, "-m", "granian", "--interface", "asgi", "--port", "{port}", SITE],
    ],
}


class HostProcess(Process):
    """A host server with the site in it; `records` is what its consumers wrote down."""

    port: int
    record_path: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self):
        return f"ws://127.0.0.1:{self.port}"

    def records(self, path, what=None):
        """Return what consumers recorded of requests and sockets on `path`."""
        if not self.record_path.exists():
            return []
        records = map(json.loads, self.record_path.read_text().splitlines())
        return [r for r in records if r["path"] == path and what in (None, r["what"])]

    def expect_record(self, path, what=None, count=1):
        """Wait until there are `count` records of `path`; return the last of them."""
        wait_until(
            lambda: len(self.records(path, what)) >= count, what=f"{what} recorded of {path}"
        )
        return self.records(path, what)[count - 1]


def start_host(directory, command, *, port=None, address=None, more_env=None):
    """Start a host server; return its HostProcess once it listens."""
    port = port or free_port()
    record_path = Path(directory) / f"record-{port}"
    env = {**os.environ, "RECORD": str(record_path), "PYTHONPATH": str(REPOSITORY)}
    env["WS_PROTOCOLS"] = json.dumps(["site.v2", "site.v1"])
    env.update(more_env or {}, PYTHONWARNINGS="default")
    command = [str(part).replace("{port}", str(port)) for part in command]
    process = HostProcess(command, Path(directory) / f"log-{port}", cwd=REPOSITORY, env=env)
    process.port, process.record_path = port, record_path
    try:
        process.wait_until_connectable(address or ("127.0.0.1", port))
    except AssertionError:
        process.kill()
        raise
    return process


@pytest.fixture
def start(tmp_path):
    """Start `interface-server` with more arguments; stopped when the test ends."""
    with contextlib.ExitStack() as stack:

        def run(*arguments, **where):
            command = [*OURS, "-v", "0", *arguments]
            if not where:
                command += ["-p", "{port}"]
            process = start_host(tmp_path, [*command, SITE], **where)
            stack.callback(process.kill)
            return process

        yield run


@pytest.fixture(scope="session")
def _hosts(tmp_path_factory):
    """The host servers that have been started, by name; each runs until the session ends."""
    directory, started = tmp_path_factory.mktemp("hosts"), {}

    def get(name):
        if name not in started:
            started[name] = start_host(directory, COMMANDS[name])
        return started[name]

    yield get
    for process in started.values():
        process.kill()


def _host_fixture(names):
    @pytest.fixture(params=names)
    def fixture(request, _hosts):
        module = request.param.split()[-1]
        pytest.importorskip(module)
        return _hosts(request.param)

    return fixture


#: Every host server that the project promises to work under.
any_host = _host_fixture(list(COMMANDS))
#: Daphne and uvicorn, each run by itself and by `interface-server`.
main_host = _host_fixture([*(f"interface-server {name}" for name in HOST_NAMES), *HOST_NAMES])
#: The hosts that `interface-server` runs.
our_host = _host_fixture([f"interface-server {name}" for name in HOST_NAMES])


@pytest.fixture(params=HOST_NAMES)
def server_kind(request):
    """The values of --server."""
    return request.param
