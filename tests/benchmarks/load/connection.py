"""Non-blocking connections on one selector: the part that every kind of load shares."""

import selectors
import socket
import time
from collections import deque

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
#: Bytes taken from a socket at once. Below malloc's mmap threshold, or each read maps memory.
READ_SIZE = 65_536


class Engine:
    """Runs the handlers of its connections until a time or a condition."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()

    def run_until(self, deadline, is_done=None):
        """Handle events until `deadline` (of time.perf_counter) or until `is_done()` is true.

        Returns whether `is_done` was reached.
        """
        select, now = self.selector.select, time.perf_counter
        while True:
            if is_done is not None and is_done():
                return True
            left = deadline - now()
            if left <= 0:
                return False
            for key, mask in select(left):
                key.data(mask)


class Connection:
    """One TCP connection. Subclasses get `on_open`, `on_data` and `on_close`."""

    def __init__(self, engine, address):
        self.engine = engine
        self.address = address
        self.is_open = False
        self._unsent = b""

    def connect(self):
        """Begin to connect; `on_open` follows."""
        self._unsent = b""
        self.is_open = False
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect_ex(self.address)
        self.engine.selector.register(self.sock, READ | WRITE, self._on_ready)

    def send(self, data):
        """Send `data` now, or what is left of it as soon as the socket takes it."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close("reset")
            return
        if sent < len(data):
            self._unsent = memoryview(data)[sent:]
            self.engine.selector.modify(self.sock, READ | WRITE, self._on_ready)

    def close(self, why=None):
        """Close the socket; `on_close` gets the reason: None means that it was our own wish."""
        if self.sock.fileno() >= 0:
            self.engine.selector.unregister(self.sock)
            self.sock.close()
            self.is_open = False
            self.on_close(why)

    def _on_ready(self, mask):
        if mask & WRITE:
            self._on_writable()
        if mask & READ and self.is_open:
            self._on_readable()

    def _on_readable(self):
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            self.close("reset")
            return
        if data:
            self.on_data(data)
        else:
            self.close("closed by the server")

    def _on_writable(self):
        if not self.is_open:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.close("not connected")
                return
            self.is_open = True
            self.engine.selector.modify(self.sock, READ, self._on_ready)
            self.on_open()
        elif self._unsent:
            unsent, self._unsent = self._unsent, b""
            self.engine.selector.modify(self.sock, READ, self._on_ready)
            self.send(unsent)

    def on_open(self):
        """The connection is there."""

    def on_data(self, data):
        """Bytes came in."""

    def on_close(self, why):
        """The connection is gone."""


class Opening:
    """Opens many connections with at most `in_flight` of them on their way."""

    def __init__(self, connections, in_flight):
        self._waiting = deque(connections)
        self._in_flight = in_flight
        self._open = 0
        self._settled = 0
        self._count = len(connections)

    def start(self):
        """Begin with the first ones."""
        for _ in range(min(self._in_flight, self._count)):
            self._waiting.popleft().connect()

    def settle(self):
        """Tell that one has been opened or has failed: the next one may come."""
        self._settled += 1
        if self._waiting:
            self._waiting.popleft().connect()

    def is_done(self):
        """Whether each has been opened or has failed."""
        return self._settled >= self._count
