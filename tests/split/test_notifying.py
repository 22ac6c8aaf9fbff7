"""What systemd is told by real processes."""

import contextlib
import socket
import tempfile
from pathlib import Path

import pytest

from tests.processes import wait_until


class Listener:
    """systemd's socket."""

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.01)
        self.heard = []

    def listen(self):
        """Return all that was told so far."""
        with contextlib.suppress(TimeoutError):
            while True:
                self.heard.append(self._socket.recv(1024).decode())
        return self.heard

    def close(self):
        self._socket.close()


@pytest.fixture
def systemd():
    with tempfile.TemporaryDirectory() as folder:
        listener = Listener(Path(folder) / "notify")
        yield listener
        listener.close()


@pytest.mark.parametrize("part", ["server", "worker"])
def test_process_tells_when_it_has_started_and_then_that_it_lives(make_site, systemd, part):
    site = make_site(NOTIFY_SOCKET=str(systemd.path), WATCHDOG_USEC="200000")
    process = site.start_server() if part == "server" else site.start_worker()
    wait_until(lambda: systemd.listen().count("WATCHDOG=1") >= 2, what=lambda: process)
    assert systemd.heard[0] == "READY=1"
    process.pause()
    systemd.listen()
    systemd.heard.clear()
    assert not any("READY" in told for told in systemd.listen())
    process.resume()
    wait_until(lambda: "WATCHDOG=1" in systemd.listen(), what=lambda: process)
