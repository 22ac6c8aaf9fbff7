"""The wheel of this checkout, and environments that have it and nothing else of ours."""

import os
import re
import shutil
import subprocess
import sys
import venv

from tests.processes import REPOSITORY

#: What the wheel is made of.
_SOURCES = ("channels", "interface_server", "routing", "worker")
_FILES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")

#: What pip says when it can't get at what we depend on.
_NO_NETWORK = re.compile("Could not find a version|Failed to establish|Temporary failure|timed out")


class NoNetwork(Exception):
    """What the package depends on can't be downloaded."""


def build_wheel(directory):
    """Build the wheel from a copy of the sources, in `directory`; return its path."""
    sources = directory / "sources"
    sources.mkdir()
    for name in _SOURCES:
        shutil.copytree(
            REPOSITORY / name, sources / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in _FILES:
        shutil.copy(REPOSITORY / name, sources)
    _pip("wheel", "--no-deps", "--wheel-dir", directory, sources)
    (wheel,) = directory.glob("*.whl")
    return wheel


def install_wheel(wheel, directory):
    """Make a virtual environment in `directory` and install `wheel` there; return its Python."""
    return install(directory, wheel)


def install(directory, *requirements):
    """Make a virtual environment in `directory` with these in it; return its Python."""
    venv.create(directory, with_pip=False)
    python = directory / "bin" / "python"
    _pip("--python", python, "install", "--no-compile", *requirements)
    return python


def _pip(*args):
    """Run pip. Raises NoNetwork, or AssertionError with what it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, args)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if done.returncode:
        output = f"pip {' '.join(map(str, args))}:\n{done.stdout}\n{done.stderr}"
        raise NoNetwork(output) if _NO_NETWORK.search(output) else AssertionError(output)


def clean_environment():
    """Return the environment variables, without what leads Python or Django into this checkout."""
    ours = ("PYTHONPATH", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in ours}
