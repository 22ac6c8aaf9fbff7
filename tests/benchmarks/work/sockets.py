"""WebSockets: echo, ordered and with a session, groups, and a storm of handshakes."""

from functools import partial

from tests.benchmarks.work.definition import FEW_ROUNDS, Work, load_values


def path(stack, name):
    """Return the contender's path of a consumer."""
    return f"/{stack.contender.prefix}/{name}/"


def run_echo(stack, pace, sockets, consumer="echo"):
    """Each socket sends when its last text has come back."""
    job = {
        "kind": "echo",
        "path": path(stack, consumer),
        "sockets": pace.count(sockets),
        "warmup_s": pace.warmup_s,
        "seconds": pace.seconds,
    }
    return load_values(stack.load(job, limit_s=90 + 5 * pace.seconds))


def run_group(stack, pace, sockets, burst, paced, interval_s, consumer="group"):
    """One member speaks: in bursts as fast as possible, then paced."""
    job = {
        "kind": "group",
        "path": path(stack, consumer),
        "sockets": pace.count(sockets),
        "burst": burst,
        "seconds": pace.seconds,
        "paced": pace.count(paced),
        "interval_s": interval_s,
    }
    result = stack.load(job, limit_s=180)
    paced = result["paced"]
    values = load_values(result)
    values["delivered_share"] = result["heard"] / result["expected"]
    values["paced_delivered_share"] = paced["heard"] / paced["expected"]
    for name, value in paced["fan_out_ms"].items():
        values[f"fan_out_{name}_ms"] = value
    return values


def run_storm(stack, pace, sockets, in_flight=100, limit_s=30):
    """Open many sockets with 100 handshakes on their way at any time."""
    job = {
        "kind": "storm",
        "path": path(stack, "idle"),
        "sockets": pace.count(sockets),
        "in_flight": in_flight,
        "limit_s": limit_s,
    }
    result = stack.load(job, limit_s=limit_s + 30)
    values = load_values(result)
    for name, value in result["handshake_ms"].items():
        values[f"handshake_{name}_ms"] = value
    return values


WORK = [
    Work(
        "echo-1",
        "WebSocket echo, 1 socket",
        "p50_ms",
        "ms (median)",
        partial(run_echo, sockets=1),
        lower_is_better=True,
    ),
    Work(
        "echo-50",
        "WebSocket echo, 50 sockets",
        "rate",
        "echoes/s",
        partial(run_echo, sockets=50),
    ),
    Work(
        "echo-500",
        "WebSocket echo, 500 sockets",
        "rate",
        "echoes/s",
        partial(run_echo, sockets=500),
        cost_s=1.7,
        in_quick=False,
        rounds=FEW_ROUNDS,
    ),
    Work(
        "ordered-50",
        "Echo with enforce_ordering, 50 sockets",
        "rate",
        "echoes/s",
        partial(run_echo, sockets=50, consumer="ordered"),
    ),
    Work(
        "session-50",
        "Echo that reads its channel_session, 50 sockets",
        "rate",
        "echoes/s",
        partial(run_echo, sockets=50, consumer="session"),
    ),
    Work(
        "session-write-50",
        "Echo that changes its channel_session, 50 sockets",
        "rate",
        "echoes/s",
        partial(run_echo, sockets=50, consumer="session-count"),
        in_quick=False,
        rounds=FEW_ROUNDS,
    ),
    Work(
        "group-100",
        "Group of 100 sockets, bursts of 20",
        "rate",
        "frames/s",
        partial(run_group, sockets=100, burst=20, paced=20, interval_s=0.05),
        cost_s=2.5,
        in_quick=False,
        rounds=FEW_ROUNDS,
    ),
    Work(
        "group-1000",
        "Group of 1,000 sockets, bursts of 5",
        "rate",
        "frames/s",
        partial(run_group, sockets=1000, burst=5, paced=5, interval_s=0.2),
        cost_s=4.0,
    ),
    Work(
        "direct-1000",
        "Group of 1,000 sockets, frames that need no code, bursts of 5",
        "rate",
        "frames/s",
        partial(run_group, sockets=1000, burst=5, paced=5, interval_s=0.2, consumer="direct"),
        cost_s=4.0,
        in_quick=False,
    ),
    Work(
        "sleep-50",
        "Echo whose sync handler sleeps 50 ms, 50 sockets",
        "rate",
        "echoes/s",
        partial(run_echo, sockets=50, consumer="sleep"),
        in_quick=False,
    ),
    Work(
        "storm-2000",
        "2,000 handshakes, 100 at a time",
        "rate",
        "sockets/s",
        partial(run_storm, sockets=2000),
        cost_s=1.7,
        in_quick=False,
        rounds=FEW_ROUNDS,
    ),
]
