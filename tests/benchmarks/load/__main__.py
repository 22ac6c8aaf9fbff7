"""Run one job: JSON on the first line of the input, the result as JSON on the last of the output.

A job has `kind`, `port`, and the keys that its kind's `run` names.
"""

import gc
import json
import resource
import sys
import time

from tests.benchmarks.load import crowd, echo, http, opening, steady

KINDS = {
    "http": http.run,
    "echo": echo.run,
    "group": crowd.run,
    "storm": opening.storm,
    "hold": opening.hold,
    "steady": steady.run,
}


def allow_open_files():
    """Lift the limit of open files as far as allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    """Run the job and add the generator's own CPU time to its result."""
    job = json.loads(sys.stdin.readline())
    allow_open_files()
    gc.disable()
    start, cpu_before = time.perf_counter(), time.process_time()
    result = KINDS[job["kind"]](job, ("127.0.0.1", job["port"]))
    cpu_s, seconds = time.process_time() - cpu_before, time.perf_counter() - start
    generator = {"cpu_s": cpu_s, "seconds": seconds, "cpu_share": cpu_s / seconds}
    print(json.dumps({**result, "generator": generator}), flush=True)


if __name__ == "__main__":
    main()
