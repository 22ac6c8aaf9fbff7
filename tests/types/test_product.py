"""The product is typed: neither `mypy --strict` nor pyright finds anything in it."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent

#: The product.
ROOMS = ("channels", "routing", "worker", "interface_server", "deploy")


#: How the product is checked: what a release of a library gives may be more than another one's.
STRICT = ("--strict", "--no-warn-unused-ignores")


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


@pytest.mark.parametrize("python", ["3.10", "3.14"])
def test_mypy_finds_nothing(python):
    """The oldest Python that is declared and the newest: what `typing` lacks is `Any` to mypy."""
    assert run_mypy(*STRICT, f"--python-version={python}", *ROOMS) == (0, "")


def test_pyright_finds_nothing():
    """With the rules that it has by default, by the settings in pyproject.toml."""
    run = subprocess.run(
        [pathlib.Path(sys.executable).with_name("basedpyright"), "--outputjson"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = json.loads(run.stdout)
    modules = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    own = [path for path in modules if "conformance" not in path.parts]
    assert found["summary"]["filesAnalyzed"] == len(own) > 300, run.stderr
    assert [_line(one) for one in found["generalDiagnostics"] if one["severity"] == "error"] == []


def _line(found):
    """One of pyright's errors, as mypy tells its own."""
    place = pathlib.Path(found["file"]).relative_to(ROOT)
    return f"{place}:{found['range']['start']['line'] + 1}: {found['message']}"


def test_each_room_says_that_it_is_typed():
    shipped = [room for room in ROOMS if room != "deploy"]
    assert [room for room in shipped if not (ROOT / room / "py.typed").exists()] == []
