"""Which Pythons this machine has: on PATH, or in pyenv. Standard library only."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path


class MissingInterpreterError(Exception):
    """This machine has no such Python: what needs it is left out."""


def find_python(version):
    """Return the path of a Python `version`, from PATH or pyenv; "" means this interpreter.

    Raises MissingInterpreterError.
    """
    if not version:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), key=_numbers)
    for candidate in (shutil.which(f"python{version}"), *reversed(installed)):
        if candidate and (python := _executable(candidate)):
            return python
    raise MissingInterpreterError(f"no Python {version} on PATH or in pyenv")


def _numbers(path):
    """The numbers in a path, to order 3.10.9 before 3.10.13."""
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _executable(path):
    """Return what `path` really runs, or None: a pyenv shim runs nothing until it is told to."""
    asked = subprocess.run(
        [path, "-c", "import sys; print(sys.executable)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None
