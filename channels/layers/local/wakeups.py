"""How readers sleep and are woken: each has a datagram socket in the layer's folder.

A datagram says nothing; whoever gets one looks into the file. A socket whose process has died
refuses what is sent to it, which is also how the others learn of the death.
"""

import asyncio
import contextlib
import os
import secrets
import select
import socket
import threading
import weakref
from pathlib import Path

from channels.layers.time_limit import within

SUFFIX = ".sock"
#: What a Unix socket's path may take, in bytes: 104 on macOS, 108 on Linux.
LONGEST_PATH = 103


class Address:
    """A bound datagram socket: its name in the folder is the address to wake it by."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._path = folder / self.name
        self.pid = os.getpid()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        #: Called at the end of the process, too.
        self.close = weakref.finalize(self, _remove, self.socket, self._path, self.pid)
        try:
            self.socket.setblocking(False)
            self.socket.bind(str(self._path))
        except BaseException:
            self.close()
            raise

    def is_there(self) -> bool:
        """Whether others can reach it."""
        return self._path.exists()

    def drain(self) -> None:
        """Take the datagrams that are there."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.recv(16)


def _remove(bound: socket.socket, path: Path, pid: int) -> None:
    bound.close()
    if pid == os.getpid():  # it is not that of a parent process
        path.unlink(missing_ok=True)


class Bells:
    """Wakes whoever has an address in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sender: socket.socket | None = None
        self._guard = threading.Lock()

    def ring(self, name: str) -> bool:
        """Wake the owner of an address; returns False if it has none any more: it has died."""
        sender = self._sender or self._open()
        try:
            sender.sendto(b"", str(self._folder / name))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:
            pass  # it has enough of them
        return True

    def is_alive(self, name: str) -> bool:
        """Whether the process that has this address lives."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(str(self._folder / name))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
        return True

    def remove_dead(self) -> None:
        """Remove the sockets of dead processes from the folder."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            if not self.is_alive(path.name):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close what it rings with; it is made again when it is needed."""
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()

    def _open(self) -> socket.socket:
        with self._guard:
            if self._sender is None:
                self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._sender.setblocking(False)
            return self._sender


class Sleeper:
    """One party that waits: its address, and what it is subscribed to."""

    def __init__(self, folder: Path, bells: Bells) -> None:
        self._folder, self._bells = folder, bells
        self.address = self._bind()
        #: The queues, and the file, in which the address is entered as their reader.
        self.subscribed: tuple[object, frozenset[str]] | None = None

    @property
    def name(self) -> str:
        return self.address.name

    def _bind(self) -> Address:
        return Address(self._folder)

    def make_reachable(self) -> None:
        """Take a new address if somebody has removed the folder with the old one."""
        if not self.address.is_there():
            self.close()
            self.address = self._bind()

    def wake(self) -> None:
        """From any thread, or a signal handler: the one that sleeps looks again."""
        self._bells.ring(self.name)

    def close(self) -> None:
        self.address.close()


class ThreadSleeper(Sleeper):
    """A thread that waits."""

    def _bind(self) -> Address:
        address = super()._bind()
        self._poll = select.poll()
        self._poll.register(address.socket, select.POLLIN)
        return address

    def wait(self, timeout_s: float) -> None:
        """Sleep until woken, but no longer than `timeout_s`."""
        if self._poll.poll(max(timeout_s * 1000, 0)):
            self.address.drain()


class TaskSleeper(Sleeper):
    """A coroutine of the running event loop that waits."""

    def __init__(self, folder: Path, bells: Bells) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        super().__init__(folder, bells)

    def _bind(self) -> Address:
        address = super()._bind()
        self._loop.add_reader(address.socket, self._note)
        return address

    def _note(self) -> None:
        self.address.drain()
        self._woken.set()

    async def wait(self, timeout_s: float) -> None:
        """Sleep until woken, but no longer than `timeout_s`."""
        with contextlib.suppress(asyncio.TimeoutError):
            await within(timeout_s, self._woken.wait())
        self._woken.clear()

    def close(self) -> None:
        if not self._loop.is_closed():
            self._loop.remove_reader(self.address.socket)
        super().close()
