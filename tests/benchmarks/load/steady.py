"""Steady load: many sockets that speak in turn, so many frames a second in all, until told to stop.

Each frame is answered with its number and the number of frames that the consumer has counted. So it
shows what was lost, what came twice, what was overtaken, and who lost his count.
"""

import json
import sys
import time
from collections import Counter

from tests.benchmarks.load.frames import make_frame
from tests.benchmarks.load.latency import percentiles_ms
from tests.benchmarks.load.opening import end_when_told
from tests.benchmarks.load.sockets import Socket, Swarm

#: Seconds without an answer after which what is missing counts as lost.
QUIET_S = 6.0
#: Pauses between two looks at what is due.
TICK_S = 0.002


class Teller(Socket):
    """Sends numbers, and looks at what comes back."""

    def __init__(self, swarm):
        super().__init__(swarm)
        self.sent_at = []
        self.heard = 0

    def say(self):
        """Send the next number."""
        self.sent_at.append(time.perf_counter())
        self.send(make_frame(b"%d" % len(self.sent_at)))

    def on_text(self, payload):
        now = time.perf_counter()
        number, count = map(int, payload.split())
        if number <= self.heard:
            self.swarm.findings["twice or overtaken"] += 1
            return
        self.swarm.findings["lost"] += number - self.heard - 1
        self.swarm.findings["miscounted"] += count != number
        self.heard = number
        self.swarm.waits.append((now, now - self.sent_at[number - 1]))


class Tellers(Swarm):
    """All of them."""

    def __init__(self, job, address):
        super().__init__(address, job["path"])
        self.findings = Counter()
        self.waits = []
        self.start([Teller(self) for _ in range(job["sockets"])])
        self.tellers = list(self.open)
        self.sent = 0

    def speak(self, per_s, is_over):
        """Have one after the other speak, `per_s` times a second, until `is_over()`."""
        start, already = time.perf_counter(), self.sent
        while not is_over():
            due = already + int((time.perf_counter() - start) * per_s)
            while self.sent < due:
                teller = self.tellers[self.sent % len(self.tellers)]
                self.sent += 1
                if teller.is_open:
                    teller.say()
            self.engine.run_until(time.perf_counter() + TICK_S)

    def wait_for_the_rest(self):
        """Wait until all is answered, or nothing comes any more."""
        deadline = time.perf_counter() + QUIET_S
        self.engine.run_until(deadline, lambda: not self.missing)

    @property
    def missing(self):
        """How many frames have no answer."""
        return sum(len(one.sent_at) - one.heard for one in self.tellers)


def run(job, address):
    """Run `job`. Keys: path, sockets, per_s. Begins when a line comes in, is calm until the next
    one, and ends with the third; after the first two a line goes out."""
    tellers = Tellers(job, address)
    print(json.dumps({"open": len(tellers.open)}), flush=True)
    sys.stdin.readline()
    is_told = end_when_told(tellers.engine)
    tellers.speak(job["per_s"], is_told)
    until = time.perf_counter()
    print(json.dumps({"sent": tellers.sent}), flush=True)
    is_told = end_when_told(tellers.engine)
    tellers.speak(job["per_s"], is_told)
    tellers.wait_for_the_rest()
    calm = [wait_s for at, wait_s in tellers.waits if at - wait_s < until]
    busy = [wait_s for at, wait_s in tellers.waits if at - wait_s >= until]
    return {
        "sent": tellers.sent,
        "heard": len(tellers.waits),
        "lost": tellers.findings["lost"] + tellers.missing,
        "disorder": tellers.findings["twice or overtaken"],
        "miscounted": tellers.findings["miscounted"],
        "calm_ms": percentiles_ms(calm),
        "wait_ms": percentiles_ms(busy),
        "over_500_ms": sum(wait_s > 0.5 for wait_s in busy),
        "open": sum(one.is_open for one in tellers.tellers),
        "errors": dict(tellers.errors),
    }
