"""Loads about being open: a storm of handshakes, and sockets that are held and do nothing."""

import json
import selectors
import sys
import time

from tests.benchmarks.load.sockets import Socket, Swarm


def storm(job, address):
    """Open `sockets`, `in_flight` at once, within `limit_s`; return the rate and the handshakes."""
    swarm = Swarm(address, job["path"])
    sockets = [Socket(swarm) for _ in range(job["sockets"])]
    seconds = swarm.start(sockets, job["in_flight"], job["limit_s"])
    summary = swarm.handshake_summary()
    return {"rate": summary["open"] / seconds, "seconds": seconds, **summary}


def hold(job, address):
    """Open sockets in stages of `stages`; after each print a line, and go on when one comes in.

    The sockets are served (pings are answered) until the next line comes.
    """
    swarm = Swarm(address, job["path"])
    for count in job["stages"]:
        swarm.start([Socket(swarm) for _ in range(count - len(swarm.open))])
        print(json.dumps({"open": len(swarm.open)}), flush=True)
        swarm.engine.run_until(time.perf_counter() + 600, end_when_told(swarm.engine))
    return swarm.handshake_summary()


def end_when_told(engine):
    """Return a function that says whether a line has come in since now."""
    told = []

    def take(mask):
        told.append(sys.stdin.readline())
        engine.selector.unregister(sys.stdin)

    engine.selector.register(sys.stdin, selectors.EVENT_READ, take)
    return lambda: bool(told)
