"""Several seeds, some of them at the same time, each in a process of its own."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What came of one seed: what was said, and its result; none if the run broke down."""

    seed: int
    text: str
    result: dict[str, Any] | None


def run_all(
    seeds: Iterable[int], seconds: float, longest_s: float, jobs: int, on_cluster: bool = False
) -> Iterator[Outcome]:
    """Run seeds, `jobs` at a time; yield what came of each, as soon as it is there."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as threads:
        runs = [threads.submit(_run, seed, seconds, longest_s, on_cluster) for seed in seeds]
        for run in concurrent.futures.as_completed(runs):
            yield run.result()


def _run(seed: int, seconds: float, longest_s: float, on_cluster: bool) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="checker-") as directory:
        path = Path(directory) / "result.json"
        command = [sys.executable, "-m", "tests.faults.checker", "--seed", str(seed)]
        command += ["--seconds", str(seconds), "--longest", str(longest_s), "--result", str(path)]
        command += ["--on-cluster"] * on_cluster
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        result = json.loads(path.read_text()) if path.exists() else None
    return Outcome(seed, done.stdout + (done.stderr if result is None else ""), result)
