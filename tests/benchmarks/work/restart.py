"""A deploy: all workers are restarted, one after the other, while sockets speak."""

import time

from tests.benchmarks.work.definition import Work
from tests.benchmarks.work.sockets import path

#: Seconds that a worker gets to hand its sockets over.
STOP_LIMIT_S = 20


def run_restart(stack, pace, sockets, per_s):
    """Restart each worker; `max_ms` is the longest that a frame waited for its answer meanwhile,
    `calm_max_ms` the longest before."""
    job = {
        "kind": "steady",
        "path": path(stack, "count"),
        "sockets": pace.count(sockets),
        "per_s": pace.count(per_s),
    }
    with stack.converse(job) as generator:
        generator.expect("open", job["sockets"])
        generator.tell()
        time.sleep(pace.long_s / 2)
        generator.tell()
        generator.hear()
        for place in range(stack.contender.workers):
            stack.restart_worker(place, STOP_LIMIT_S)
        time.sleep(pace.long_s / 4)
        generator.tell()
        result = generator.hear()
    return _values(result, job["sockets"])


def _values(result, sockets):
    values = {name: result[name] for name in ("sent", "lost", "disorder", "miscounted", "open")}
    values["closed"] = sockets - result["open"]
    values["over_500_ms"] = result["over_500_ms"]
    values["calm_max_ms"] = result["calm_ms"]["max"]
    for name, value in result["wait_ms"].items():
        values[f"{name}_ms"] = value
    return {**values, "errors": sum(result["errors"].values())}


WORK = [
    Work(
        "restart-2000",
        "4 workers are restarted under 2,000 sockets, 500 frames a second",
        "max_ms",
        "ms (longest wait)",
        lambda stack, pace: run_restart(stack, pace, sockets=2000, per_s=500),
        lower_is_better=True,
        rounds=1,
        cost_s=25.0,
        in_quick=False,
    ),
]
