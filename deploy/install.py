"""Installs this checkout into .venv, with the extras that are named as arguments.

Run by `./start` and `./test` with the system's Python: standard library only. Does nothing if
.venv is up to date already.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"


def main(extras):
    """Bring .venv up to date; return the exit code."""
    if not os.environ.get("REDIS_URL") and not shutil.which("redis-server"):
        extras |= {"embedded"}
    extras |= {"uvicorn"}
    wanted = {"python": sys.version, "setup.cfg": (ROOT / "setup.cfg").read_text()}
    found = _read_stamp()
    is_current = all(found.get(key) == value for key, value in wanted.items())
    if is_current and extras <= set(found["extras"]):
        return 0
    if is_current:
        extras |= set(found["extras"])
    return _install(extras, wanted)


def _read_stamp():
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def _install(extras, stamp):
    is_usable = stamp["python"] == _read_stamp().get("python")
    try:
        venv.create(VENV, clear=not is_usable, with_pip=True)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"Can't make {VENV}: {error}\nOn Debian and Ubuntu: apt install python3-venv",
              file=sys.stderr)
        return 1
    names = ", ".join(sorted(extras))
    command = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet",
               "--disable-pip-version-check", "--editable", f"{ROOT}[{names}]"]
    log = VENV / "install.log"
    if code := _run_with_progress(command, log, f"Installing into .venv ({names})"):
        print(f"pip failed; the end of {log}:\n{_tail(log)}", file=sys.stderr)
        return code
    STAMP.write_text(json.dumps({**stamp, "extras": sorted(extras)}))
    return 0


def _run_with_progress(command, log, title):
    """Run `command` with its output in the file `log`; return its exit code."""
    started = time.monotonic()
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as run:
        try:
            while run.poll() is None:
                _show(f"{title}: {time.monotonic() - started:.0f} s")
                time.sleep(0.2)
        except KeyboardInterrupt:
            run.terminate()
            _end_line()
            return 130
    _end_line(f"{title}: done in {time.monotonic() - started:.0f} s")
    return run.returncode


def _show(line):
    if sys.stderr.isatty():
        print(f"\r{line}", end="", file=sys.stderr, flush=True)


def _end_line(line=""):
    print(f"\r{line}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def _tail(path, lines=15):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(set(sys.argv[1:])))
