"""Facts about the machine and the code: what a reader needs to judge a figure."""

import datetime
import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

from tests.benchmarks.environments import source_digest
from tests.processes import REPOSITORY, find_redis_server


def use_cores(cores):
    """Bind this process, and all that it starts, to some cores; return them as a list."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
        return sorted(os.sched_getaffinity(0))
    return sorted(range(os.cpu_count()))


def default_cores():
    """Return the first two cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))[:2]
    return list(range(min(2, os.cpu_count())))


def facts(cores):
    """Return what is known of the machine, the interpreter, Redis and this checkout."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores_used": list(cores),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {_release()} {platform.machine()}",
        "python": platform.python_version(),
        "redis": _first_line([find_redis_server(), "--version"]),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "commit": _commit(),
        "source_digest": source_digest()[:12],
    }


def _cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _release():
    """The kernel's release, without the name of its build."""
    return platform.release().partition("-")[0]


def _first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    return done.stdout.strip().partition("\n")[0]


def _commit():
    """The commit, and whether the code differs from it."""
    if not shutil.which("git"):
        return ""
    commit = _first_line(["git", "rev-parse", "--short=12", "HEAD"])
    code = ["channels", "interface_server", "routing", "worker"]
    changed = _first_line(["git", "status", "--porcelain", "--", *code])
    return f"{commit} with changes" if commit and changed else commit
