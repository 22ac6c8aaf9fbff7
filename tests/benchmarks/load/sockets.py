"""WebSocket clients: the handshake, and what all of them do with frames."""

import time
from collections import Counter

from tests.benchmarks.load.connection import Connection, Engine, Opening
from tests.benchmarks.load.frames import (
    CLOSE,
    PING,
    PONG,
    make_frame,
    make_handshake,
    read_frames,
)
from tests.benchmarks.load.http import HEAD_END
from tests.benchmarks.load.latency import percentiles_ms

#: Handshakes on their way at once while a load is being set up.
SETUP_IN_FLIGHT = 50
#: Seconds that a set-up may take; what is not open by then is reported as an error.
SETUP_LIMIT_S = 60


class Swarm:
    """Some WebSocket clients on one engine, and what became of their handshakes."""

    def __init__(self, address, path):
        self.engine = Engine()
        self.address = address
        self.handshake = make_handshake(path)
        self.open = []
        self.handshake_latencies = []
        self.errors = Counter()
        self._opening = None

    def start(self, sockets, in_flight=SETUP_IN_FLIGHT, limit_s=SETUP_LIMIT_S):
        """Open all `sockets`; return the seconds it took until the last one was settled."""
        begun = time.perf_counter()
        self._opening = Opening(sockets, in_flight)
        self._opening.start()
        if not self.engine.run_until(begun + limit_s, self._opening.is_done):
            self.errors["not opened in time"] += len(sockets) - len(self.open)
        return time.perf_counter() - begun

    def settle(self):
        """One handshake has ended, well or not."""
        self._opening.settle()

    def handshake_summary(self):
        """Return how many are open, how long their handshakes took, and the errors."""
        return {
            "open": len(self.open),
            "handshake_ms": percentiles_ms(self.handshake_latencies),
            "errors": dict(self.errors),
        }


class Socket(Connection):
    """A WebSocket client. Subclasses get `on_text`, or all bytes in `on_bytes`."""

    def __init__(self, swarm):
        super().__init__(swarm.engine, swarm.address)
        self.swarm = swarm
        self.is_upgraded = False
        self.buffer = b""

    def connect(self):
        self.begun = time.perf_counter()
        super().connect()

    def on_open(self):
        self.send(self.swarm.handshake)

    def on_data(self, data):
        if self.is_upgraded:
            self.on_bytes(data)
        else:
            self._on_handshake(self.buffer + data)

    def _on_handshake(self, data):
        end = data.find(HEAD_END)
        if end < 0:
            self.buffer = data
            return
        if data[9:12] != b"101":
            self.close(f"refused with {data[9:12].decode('latin-1')}")
            return
        self.is_upgraded, self.buffer = True, b""
        self.swarm.open.append(self)
        self.swarm.handshake_latencies.append(time.perf_counter() - self.begun)
        self.swarm.settle()
        if len(data) > end + 4:
            self.on_bytes(data[end + 4 :])

    def on_bytes(self, data):
        """Take frames apart; answer pings."""
        frames, self.buffer = read_frames(self.buffer + data)
        for opcode, payload in frames:
            if opcode == PING:
                self.send(make_frame(payload, PONG))
            elif opcode == CLOSE:
                self.close(f"closed with {int.from_bytes(payload[:2], 'big')}")
                return
            else:
                self.on_text(payload)

    def on_text(self, payload):
        """A text came in."""

    def on_close(self, why):
        if why is not None:
            self.swarm.errors[why] += 1
        if not self.is_upgraded:
            self.swarm.settle()
