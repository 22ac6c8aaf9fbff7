"""Group load: one member speaks, all hear it. In bursts, and paced."""

import time
from collections import Counter

from tests.benchmarks.load.frames import make_frame
from tests.benchmarks.load.latency import percentiles_ms
from tests.benchmarks.load.sockets import Socket, Swarm

#: A text is its number in 8 digits and filling up to this length, so all frames have one size.
TEXT_BYTES = 32
FRAME_BYTES = TEXT_BYTES + 2
#: Seconds without a frame after which what is missing counts as lost.
QUIET_S = 1.5


def make_text(number):
    """Return the text of broadcast `number`."""
    return b"%08d" % number + b"." * (TEXT_BYTES - 8)


class Hearing:
    """What has been heard, by broadcast."""

    def __init__(self):
        self.by_number = Counter()
        self.total = 0
        self.last_at = 0.0
        self.completed_at = {}
        self.members = 0

    def hear(self, number, now):
        """Count one frame."""
        heard = self.by_number[number] + 1
        self.by_number[number] = heard
        self.total += 1
        self.last_at = now
        if heard == self.members:
            self.completed_at[number] = now


class Member(Socket):
    """Hears, and counts what it hears."""

    def __init__(self, swarm, hearing):
        super().__init__(swarm)
        self.hearing = hearing

    def on_bytes(self, data):
        if self.buffer or len(data) % FRAME_BYTES or data[0] != 0x81:
            super().on_bytes(data)
            return
        now = time.perf_counter()
        for start in range(2, len(data), FRAME_BYTES):
            self.hearing.hear(int(data[start : start + 8]), now)

    def on_text(self, payload):
        self.hearing.hear(int(payload[:8]), time.perf_counter())


class Crowd:
    """A group with one speaker."""

    def __init__(self, job, address):
        self.hearing = Hearing()
        self.swarm = Swarm(address, job["path"])
        self.swarm.start([Member(self.swarm, self.hearing) for _ in range(job["sockets"])])
        self.hearing.members = len(self.swarm.open)
        if not self.hearing.members:
            raise SystemExit(f"no socket could be opened: {dict(self.swarm.errors)}")
        self.speaker = self.swarm.open[0]
        self.spoken = 0
        self.spoken_at = {}

    def speak(self):
        """Send one broadcast."""
        self.spoken_at[self.spoken] = time.perf_counter()
        self.speaker.send(make_frame(make_text(self.spoken)))
        self.spoken += 1

    def wait(self):
        """Wait until everyone has heard everything, or nobody hears anything any more."""
        self.hearing.last_at = time.perf_counter()
        while not self._is_over():
            self.swarm.engine.run_until(time.perf_counter() + 0.1, self._is_complete)

    def _is_complete(self):
        return self.hearing.total >= self.spoken * self.hearing.members

    def _is_over(self):
        return self._is_complete() or time.perf_counter() > self.hearing.last_at + QUIET_S

    def forget(self):
        """Begin the counting anew; what comes late from before is not counted."""
        self.swarm.engine.run_until(time.perf_counter() + 0.05)
        self.hearing.by_number.clear()
        self.hearing.total = self.spoken = 0


def burst(crowd, job):
    """Speak `burst` times at once, again and again for `seconds`; return frames a second."""
    heard = expected = 0
    active_s = 0.0
    end = time.perf_counter() + job["seconds"]
    while not expected or time.perf_counter() < end:
        crowd.forget()
        start = time.perf_counter()
        for _ in range(job["burst"]):
            crowd.speak()
        crowd.wait()
        heard += crowd.hearing.total
        expected += crowd.spoken * crowd.hearing.members
        active_s += crowd.hearing.last_at - start
    return {"rate": heard / active_s, "heard": heard, "expected": expected, "seconds": active_s}


def pace(crowd, job):
    """Speak once every `interval_s`; return how long it takes until the last one has heard."""
    crowd.forget()
    crowd.hearing.completed_at.clear()
    due = time.perf_counter()
    for _ in range(job["paced"]):
        crowd.speak()
        due += job["interval_s"]
        crowd.swarm.engine.run_until(due)
    crowd.wait()
    completed = crowd.hearing.completed_at
    return {
        "heard": crowd.hearing.total,
        "expected": crowd.spoken * crowd.hearing.members,
        "fan_out_ms": percentiles_ms([at - crowd.spoken_at[n] for n, at in completed.items()]),
    }


def run(job, address):
    """Run `job`. Keys: path, sockets, burst, seconds, paced, interval_s."""
    crowd = Crowd(job, address)
    crowd.speak()  # the warm-up
    crowd.wait()
    bursts = burst(crowd, job)
    paced = pace(crowd, job) if job["paced"] else {}
    return {**bursts, "paced": paced, **crowd.swarm.handshake_summary()}
