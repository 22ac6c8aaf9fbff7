"""python -m tests.benchmarks.overhead: what counting for Prometheus costs, in turns.

Two splits of the benchmark's project stand side by side, each with a Redis of its own; one shows
its metrics. They are loaded in turns, the one that begins changes each time, and each pair gives a
ratio. First comes what the meter itself costs for one request and one echo, without any of it.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import psutil

from channels.metrics.counting import CountingMeter
from channels.metrics.hooks import Meter
from tests.processes import RedisServer, Split, free_port

PROJECTS = Path(__file__).with_name("projects")
WARM_UP_S = 0.5
#: Load -> its job.
JOBS = {
    "requests, 32 connections": {
        "kind": "http",
        "path": "/small/",
        "connections": 32,
        "body_bytes": 0,
    },
    "echo, 50 sockets": {"kind": "echo", "path": "/ws/echo/", "sockets": 50},
}


def tell_request(meter):
    """Tell a meter of what happens for one request, in the server and in a worker."""
    meter.request_opened()
    meter.message_sent("http.request")
    meter.round_trip(0.001)
    meter.request_answered(0.003)
    meter.request_ended()
    meter.consumed("http.request", tell_request, 0.001, 0.002)
    meter.message_sent("http.response.Hk3f!2a")
    meter.round_trip(0.001)


def tell_echo(meter):
    """The same for one frame and its answer."""
    meter.message_sent("websocket.receive")
    meter.round_trip(0.001)
    meter.consumed("websocket.receive", tell_echo, 0.001, 0.002)
    meter.message_sent("websocket.send.Hk3f!2a")
    meter.round_trip(0.001)


def cost_us(tell, meter, rounds=20_000, times=9):
    """Return the CPU time of one call, in microseconds: the best of several times."""
    best = float("inf")
    for _ in range(times):
        begun = time.process_time()
        for _ in range(rounds):
            tell(meter)
        best = min(best, time.process_time() - begun)
    return best / rounds * 1e6


def cpu_s(split):
    """The CPU time that the processes of a split have used."""
    times = [psutil.Process(p.pid).cpu_times() for p in (*split.servers, *split.workers)]
    return sum(one.user + one.system for one in times)


def load(split, job, seconds):
    """Return (what one run of a load reaches a second, the CPU time of each in microseconds)."""
    before = cpu_s(split)
    job = {**job, "port": split.servers[0].port, "warmup_s": WARM_UP_S, "seconds": seconds}
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load"],
        input=json.dumps(job) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    result = json.loads(run.stdout.splitlines()[-1])
    # The warm-up is as fast as what follows.
    done = result["rate"] * (seconds + WARM_UP_S)
    return result["rate"], (cpu_s(split) - before) * 1e6 / done


def start(redis, folder, *flags, workers):
    """Return a Split that runs."""
    env = {
        "BENCH_DATABASE": str(folder / "db.sqlite3"),
        "BENCH_REDIS_PORT": str(redis.port),
        "PYTHONPATH": os.pathsep.join(
            [str(PROJECTS / "channels_classic"), str(PROJECTS / "shared"), os.getcwd()]
        ),
    }
    split = Split(PROJECTS, settings="settings", asgi="channels.asgi:channel_layer", env=env)
    ports = [str(free_port()) for _ in range(workers + 1)]
    metrics = [["--metrics", port] if flags else [] for port in ports]
    split.start_server("--access-log", "/dev/null", "-v", "0", *metrics[0], server="uvicorn")
    for shown in metrics[1:]:
        command = [split.python, "-m", "django", "runworker", *shown]
        split.start_command(*command).wait_for_log(split.WORKER_READY)
    return split


@click.command()
@click.option("--pairs", default=10, help="How many times each load is run on both.")
@click.option("--seconds", default=3.0, help="How long each run takes.")
@click.option("--workers", default=2)
def main(pairs, seconds, workers):
    """Print the ratio with and without, for each load."""
    for tell in (tell_request, tell_echo):
        off, on = (cost_us(tell, meter()) for meter in (Meter, CountingMeter))
        click.echo(f"{tell.__name__}: {off:.2f} us with nobody counting, {on:.2f} us counted")
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer() as one,
        RedisServer() as other,
        start(one, Path(folder), workers=workers) as without,
        start(other, Path(folder), "--metrics", workers=workers) as counting,
    ):
        for name, job in JOBS.items():
            rates, costs = [], []
            for number in range(pairs):
                turns = [without, counting] if number % 2 else [counting, without]
                reached = {id(split): load(split, job, seconds) for split in turns}
                (rate, cost), (rate_without, cost_without) = (
                    reached[id(split)] for split in (counting, without)
                )
                rates.append(rate / rate_without)
                costs.append(cost / cost_without)
            click.echo(
                f"{name}: {statistics.median(rates):.3f} of the rate ({min(rates):.2f} to "
                f"{max(rates):.2f}), {statistics.median(costs):.3f} of the CPU time "
                f"({min(costs):.2f} to {max(costs):.2f}); {pairs} pairs, the last: "
                f"{rate:.0f} and {rate_without:.0f}/s, {cost:.0f} and {cost_without:.0f} us"
            )


if __name__ == "__main__":
    main()
