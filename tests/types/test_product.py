"""The product is typed: `mypy --strict` finds nothing in it."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent.parent

#: What is typed by now.
TYPED = (
    "channels/auth.py",
    "channels/binding",
    "channels/channel.py",
    "channels/consuming",
    "channels/delay",
    "channels/exceptions.py",
    "channels/handler.py",
    "channels/layers/acknowledgement.py",
    "channels/layers/base.py",
    "channels/layers/codec.py",
    "channels/layers/deadline.py",
    "channels/layers/drops.py",
    "channels/layers/fallback.py",
    "channels/layers/names.py",
    "channels/layers/operations.py",
    "channels/log.py",
    "channels/message.py",
    "channels/messages.py",
    "channels/requests",
    "channels/security",
    "channels/sessions.py",
    "channels/signals.py",
    "channels/utils.py",
    "routing",
    "interface_server/hosts",
)


#: How the product is checked: what a release of a library gives may be more than another one's.
STRICT = ("--strict", "--no-warn-unused-ignores", "--follow-imports=silent")


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
    assert run_mypy(*STRICT, *TYPED) == (0, "")
