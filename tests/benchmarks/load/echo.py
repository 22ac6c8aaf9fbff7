"""Echo load: each socket sends its next text when the last one has come back."""

import time

from tests.benchmarks.load.frames import make_frame
from tests.benchmarks.load.latency import Record
from tests.benchmarks.load.sockets import Socket, Swarm

TEXT = b"The quick brown fox jumps over.."
FRAME = make_frame(TEXT)
EXPECTED = make_frame(TEXT, mask=None)


class EchoSocket(Socket):
    """Sends, waits for exactly the same text, sends again."""

    def __init__(self, swarm, record):
        super().__init__(swarm)
        self.record = record

    def say(self):
        """Send the text."""
        self.sent = time.perf_counter()
        self.send(FRAME)

    def on_bytes(self, data):
        if data == EXPECTED and not self.buffer:
            self.on_text(TEXT)
        else:
            super().on_bytes(data)

    def on_text(self, payload):
        if payload == TEXT:
            self.record.add(time.perf_counter() - self.sent)
        else:
            self.record.errors["another text than was sent"] += 1
        self.say()


def run(job, address):
    """Run `job` and return its result. Keys: path, sockets, warmup_s, seconds."""
    swarm, record = Swarm(address, job["path"]), Record()
    swarm.start([EchoSocket(swarm, record) for _ in range(job["sockets"])])
    for socket in list(swarm.open):
        socket.say()
    swarm.engine.run_until(time.perf_counter() + job["warmup_s"])
    record.restart()
    start = time.perf_counter()
    swarm.engine.run_until(start + job["seconds"])
    result = record.summary(time.perf_counter() - start)
    record.errors.update(swarm.errors)
    return {**result, "errors": dict(record.errors), "open": len(swarm.open)}
