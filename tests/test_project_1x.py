"""A project in the style of Channels 1.1, unchanged, passes its own tests and its system checks."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def manage(*args):
    """Run its manage.py; return the CompletedProcess."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *args],
        cwd=REPOSITORY / "tests" / "project_1x",
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_its_tests_pass():
    done = manage("test")
    assert "Ran 19 tests" in done.stderr and done.returncode == 0, done.stdout + done.stderr


def test_its_system_checks_find_no_error():
    done = manage("check")
    assert "System check identified" in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
