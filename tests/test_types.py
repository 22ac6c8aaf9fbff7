"""The product is typed: `mypy --strict` finds nothing in it."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent

#: What is typed by now.
TYPED = (
    "channels/messages.py",
    "interface_server/hosts",
)


def run_mypy(*arguments):
    """Return (exit code, output) of mypy with the settings in setup.cfg."""
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return run.returncode, run.stdout + run.stderr


def test_mypy_finds_nothing_in_what_is_typed():
    assert run_mypy("--strict", "--follow-imports=silent", *TYPED) == (0, "")
