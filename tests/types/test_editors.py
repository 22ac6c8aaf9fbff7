"""What an editor says of consumers: nothing of those of the tutorials, and where one is wrong."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.types.test_product import ROOT, run_mypy

MISTAKES = ROOT / "tests" / "types" / "mistakes.py"
TUTORIALS = [
    *sorted((ROOT / "project").glob("**/consumers.py")),
    ROOT / "tests" / "types" / "class_consumers.py",
]


#: What is installed with this package.
ROOMS = ("channels", "routing", "worker", "interface_server")


def run_pyright(folder, *paths):
    """Return the errors that pyright finds, as (file, line, text).

    It is basedpyright, which brings its own Node.js, with the rules that pyright has by default.
    """
    settings = {"include": [str(path) for path in paths], "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    # As it is installed from a wheel: pyright can't follow what an editable install leaves.
    packages = folder / "packages"
    packages.mkdir()
    for room in (*ROOMS, "project"):
        (packages / room).symlink_to(ROOT / room)
    run = subprocess.run(
        [
            pathlib.Path(sys.executable).with_name("basedpyright"),
            *("--project", folder / "pyrightconfig.json", "--pythonpath", sys.executable),
            "--outputjson",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = json.loads(run.stdout)
    assert found["summary"]["filesAnalyzed"] >= len(paths), run.stderr
    return [
        (pathlib.Path(one["file"]), one["range"]["start"]["line"] + 1, one["message"])
        for one in found["generalDiagnostics"]
        if one["severity"] == "error"
    ]


def wrong_lines():
    lines = MISTAKES.read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}


def test_there_is_something_to_look_at():
    assert len(TUTORIALS) >= 5
    assert len(wrong_lines()) >= 30


def test_pyright_finds_each_mistake_and_nothing_else(tmp_path):
    found = {line: text for _, line, text in run_pyright(tmp_path, MISTAKES)}
    assert set(found) == wrong_lines(), found


def test_mypy_finds_each_mistake_and_nothing_else():
    _, output = run_mypy(
        "--strict", "--no-warn-unused-ignores", "--follow-imports=silent", MISTAKES
    )
    assert {int(number) for number in re.findall(r":(\d+): error:", output)} == wrong_lines(), (
        output
    )


def test_pyright_has_nothing_to_say_of_the_tutorials(tmp_path):
    assert run_pyright(tmp_path, *TUTORIALS) == []


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.parent.name)
def test_mypy_has_nothing_to_say_of_a_tutorial(path):
    """With the settings of somebody who has none."""
    settings = ("--config-file=", "--follow-imports=silent", "--ignore-missing-imports")
    assert run_mypy(*settings, path) == (0, "")
