"""Runs a part of the tests with the oldest releases that setup.cfg allows: `.ci/run` calls it.

The suite itself runs with the newest. A fresh environment takes about half a minute to make, the
tests less than a minute.
"""

import configparser
import re
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: What is taken at its oldest: whatever we use more of than its documentation promises.
OLDEST = ("django", "redis", "daphne", "twisted", "asgiref", "uvicorn", "websockets", "httptools")
#: What the tests need besides.
TOOLS = ("pytest", "pytest-timeout", "hypothesis", "psutil", "psycopg[binary]", "requests")

#: (what to run, which of it): host servers, Redis in both drivers, the whole split with Django.
TESTS = (
    (["tests/interface_server/test_host_releases.py"], ""),
    (["tests/interface_server/test_hosts.py"], "interface-server"),
    (
        ["tests/channels/layers/redis/test_layer.py"],
        "RedisConformance and (group or receive or blocked)",
    ),
    (["tests/project/test_chat.py"], "burst or foreign or said_twice"),
)


def main() -> int:
    """Make the environment, run the tests; return the exit code."""
    began = time.monotonic()
    requirements = [pin(line) for line in read_requirements(ROOT / "setup.cfg")]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        print("The oldest releases:", *(r for r in requirements if "==" in r))
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if code := subprocess.call([*install, *requirements, *TOOLS]):
            return code
        for paths, which in TESTS:
            if code := run_tests(python, paths, which):
                return code
    print(f"The oldest releases took {time.monotonic() - began:.0f} s")
    return 0


def run_tests(python: str, paths: list[str], which: str) -> int:
    """Run pytest there. Old releases warn of what new Pythons will drop: that is no error here."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "-o", "filterwarnings="]
    return subprocess.call([python, "-m", "pytest", *options, *paths, "-k", which], cwd=ROOT)


def read_requirements(path: Path) -> list[str]:
    """Return what an installation with uvicorn and the demo requires."""
    settings = configparser.ConfigParser()
    settings.read(path)
    lines = settings["options"]["install_requires"].splitlines()
    lines += settings["options.extras_require"]["uvicorn"].splitlines()
    lines += settings["options.extras_require"]["demo"].splitlines()
    found = [line.partition(";")[0].strip() for line in lines]
    return [line for line in found if line and not line.startswith("#")]


def pin(requirement: str) -> str:
    """Return a requirement at its lower bound if it is one of OLDEST."""
    match = re.fullmatch(r"([\w-]+)(\[\w+\])?>=([\d.]+).*", requirement)
    if match is None or match[1] not in OLDEST:
        return requirement
    return f"{match[1]}{match[2] or ''}=={match[3]}"


if __name__ == "__main__":
    sys.exit(main())
