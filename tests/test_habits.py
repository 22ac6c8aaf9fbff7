"""What keeps the repository easy to live in."""

import configparser
import importlib
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile

import click
import pytest

from tests.processes import REPOSITORY


def test_the_readme_is_read_in_one_sitting():
    assert len((REPOSITORY / "README.md").read_text().splitlines()) < 170


@pytest.mark.parametrize("name", ["reliability.json", "checker.json", "benchmarks/results.json"])
def test_figures_are_one_line_each(name):
    text = (REPOSITORY / "docs" / name).read_text()
    assert text.count("\n") == 1
    assert json.loads(text)


def test_the_hooks_need_no_network_and_run_what_ci_runs():
    text = (REPOSITORY / ".pre-commit-config.yaml").read_text()
    assert text.count("repo: local") == text.count("repo:") == 1
    assert [tool in text for tool in ("ruff format", "ruff check", "mypy")] == [True] * 3


def test_what_contributing_says_of_types_is_strict():
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    assert setup["mypy"]["strict"] == "True"


#: What a message passes -> the files that whoever follows it has to read, at most.
MOST_FILES = {"a view over HTTP": 32, "an echo": 26, "an ordered echo": 30, "a group send": 28}


def test_one_message_can_be_traced_through_few_files():
    run = subprocess.run(
        [sys.executable, "-m", "tests.trace_message"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=100,
    )
    rows = [line.rsplit(None, 2) for line in run.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == list(MOST_FILES), run.stderr
    assert all(5 < int(files) <= int(functions) for _, files, functions in rows)
    assert [row for row in rows if int(row[1]) > MOST_FILES[row[0]]] == []


GUIDES = [
    "CONTRIBUTING.md",
    "tests/benchmarks/README.md",
    "tests/faults/README.md",
    "tests/faults/checker/README.md",
]


@pytest.mark.parametrize("name", GUIDES)
def test_commands_of_tools_are_as_their_guides_show_them(name, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    shown = re.findall(r"python -m (tests[\w.]*)([^`|#\n]*)", (REPOSITORY / name).read_text())
    assert shown
    for module, arguments in shown:
        command = getattr(find_tool(module), "main", None)
        if isinstance(command, click.Command):
            command.make_context(
                module, shlex.split(arguments), resilient_parsing="--help" in arguments
            )


def find_tool(module):
    """Import what `python -m module` runs."""
    found = importlib.import_module(module)
    is_package = hasattr(found, "__path__")
    return importlib.import_module(f"{module}.__main__") if is_package else found


@pytest.mark.parametrize("name", GUIDES)
def test_files_that_guides_name_are_there(name):
    guide = REPOSITORY / name
    named = re.findall(r"`(\w[\w./]*(?:\.py|\.md|\.json|/))`|\]\(([\w./]+)\)", guide.read_text())
    paths = {one or other for one, other in named}
    assert paths
    missing = {
        path
        for path in paths
        if not any((folder / path).exists() for folder in (guide.parent, REPOSITORY))
    }
    assert missing == set()


def test_a_source_distribution_has_every_file(tmp_path):
    """What whoever packages this needs for the tests and the documentation, too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode or importlib.util.find_spec("setuptools") is None:
        pytest.skip("this is no checkout, or no setuptools is installed (from Python 3.12 on)")
    files = [name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).exists()]
    sources = tmp_path / "sources"
    for name in files:
        (sources / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, sources / name)
    build = "import setuptools.build_meta as backend; backend.build_sdist('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=sources, capture_output=True, check=True)
    (archive,) = (sources / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    assert set(files) - packed == set()
