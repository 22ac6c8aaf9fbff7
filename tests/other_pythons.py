"""Runs a part of the tests with each other Python that this machine has: `.ci/run` calls it.

    python -m tests.other_pythons               # each from 3.10 to 3.14 that is found
    python -m tests.other_pythons 3.13 3.14     # these

A Python is found on PATH, or in pyenv. `PYTHON=python3.13 ./test` runs the whole suite with one.
Two are tested at a time; each takes some ten seconds for an environment, and as much for the tests.
"""

import concurrent.futures
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.oldest_releases import TOOLS, read_requirements
from tests.pythons import MissingInterpreterError, find_python

ROOT = Path(__file__).parent.parent

#: What setup.cfg declares.
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
#: Debian has the first of these in a package of its own; a Python that was compiled where their
#: libraries were missing lacks the others.
PARTS = ("ensurepip", "sqlite3", "ssl")

#: What to run: wherever Pythons differ, such as classes, event loops, threads, garbage; and the
#: whole split, which imports nearly all of the product.
TESTS = (
    "tests/interface_server/frames",
    "tests/interface_server/test_http.py",
    "tests/channels/class_consumers/test_consumers.py",
    "tests/channels/layers/test_refusals.py",
    "tests/channels/layers/redis/transport/test_closed_connections.py",
    "tests/project/test_chat.py::test_burst_from_one_socket_comes_back_in_order_once_each",
)


def main(versions: list[str]) -> int:
    """Run the tests with these Pythons; return the exit code."""
    began = time.monotonic()
    pythons = find_pythons(versions)
    if not pythons:
        print("No other Python was found: only this one is tested")
        return 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        codes = list(pool.map(run_tests, pythons.keys(), pythons.values()))
    print(f"Other Pythons took {time.monotonic() - began:.0f} s")
    return max(codes)


def find_pythons(versions: list[str]) -> dict[str, str]:
    """Return the path of each Python by its version, but for the one that runs this; say which."""
    found = {}
    for version in versions:
        try:
            python = find_python(version)
        except MissingInterpreterError:
            continue
        missing = find_missing(python)
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            continue
        if missing:
            print(f"Python {version}, at {python}, is left out: it can't import {missing}")
        else:
            print(f"Python {version} is tested, too: {python}")
            found[version] = python
    return found


def find_missing(python: str) -> str:
    """Return the first of PARTS that a Python can't import, or nothing."""
    for part in PARTS:
        if subprocess.run([python, "-c", f"import {part}"], stderr=subprocess.DEVNULL).returncode:
            return part
    return ""


def run_tests(version: str, python: str) -> int:
    """Make an environment of this Python, run the tests there, say how; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        inside = str(Path(folder, "bin", "python"))
        pip = [inside, "-m", "pip", "-q", "--disable-pip-version-check"]
        pytest = [inside, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        for command in (
            [python, "-m", "venv", folder],
            # What is imported is compiled then; to compile all takes twice as long as the rest.
            [*pip, "install", "--no-compile", *read_requirements(ROOT / "setup.cfg"), *TOOLS],
            [*pytest, *TESTS],
        ):
            run = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            if run.returncode:
                print(f"Python {version}:", run.stdout, sep="\n", flush=True)
                return run.returncode
        print(f"Python {version}: {run.stdout.splitlines()[-1]}", flush=True)
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(VERSIONS)))
