"""How fast Redis is by itself: the floor under everything that goes through it."""

import csv
import shutil
import subprocess
import time

from tests.benchmarks.work.definition import Work

#: A message of about the size that a small request has.
PAYLOAD = b"x" * 300


def run(stack, pace):
    """Push and pop through one connection, one at a time and 50 at a time."""
    with stack.redis.client() as client:
        values = {
            "one_by_one": _one_by_one(client, pace.seconds / 2),
            "rate": _in_pipelines(client, pace.seconds / 2),
            "errors": 0,
        }
    if program := shutil.which("redis-benchmark"):
        values |= _redis_benchmark(program, stack.redis.port, pace.seconds)
    return values


def _one_by_one(client, seconds):
    """Round trips a second: an LPUSH, then an LPOP, each waited for."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        client.rpush("benchmark", PAYLOAD)
        client.lpop("benchmark")
        done += 2
    return done / (time.perf_counter() - start)


def _in_pipelines(client, seconds):
    """Commands a second when 50 pushes and 50 pops go out together."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        with client.pipeline(transaction=False) as pipeline:
            for _ in range(50):
                pipeline.rpush("benchmark", PAYLOAD)
            for _ in range(50):
                pipeline.lpop("benchmark")
            pipeline.execute()
        done += 100
    return done / (time.perf_counter() - start)


def _redis_benchmark(program, port, seconds):
    """What redis-benchmark measures with 32 connections, by command."""
    count = str(int(60_000 * seconds))
    command = [
        program,
        "-p",
        str(port),
        "-c",
        "32",
        "-n",
        count,
        "-d",
        str(len(PAYLOAD)),
        "-t",
        "rpush,lpop",
        "--csv",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    rows = [row for row in csv.reader(done.stdout.splitlines()) if row and row[0] != "test"]
    return {f"redis_benchmark_{row[0].lower()}": float(row[1]) for row in rows}


WORK = [
    Work(
        "redis",
        "Redis alone: pushes and pops in pipelines, one client",
        "rate",
        "commands/s",
        run,
        rounds=3,
        cost_s=2.0,
    )
]
