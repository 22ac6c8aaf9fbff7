"""channels/js/websocketbridge.js: where it is served from, and its own tests under Node."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tests.conftest import give_up

HERE = Path(__file__).parent


def test_it_is_a_static_file_at_the_path_of_1_x():
    found = finders.find("channels/js/websocketbridge.js")
    assert found and Path(found).parts[-5:-3] == ("channels", "static")


@pytest.fixture(scope="module")
def report():
    """What `node --test` says, as text."""
    node = shutil.which("node")
    if node is None:
        give_up("no node: install Node.js 18 or later to test the JavaScript")
    command = [node, "--test", "--test-reporter=tap", *map(str, HERE.glob("*.test.js"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_every_test_of_the_bridge_passes(report):
    assert re.search(r"^# fail 0$", report, re.MULTILINE), report


def test_none_of_them_was_left_out(report):
    declared = (HERE / "bridge.test.js").read_text().count("\ntest(")
    ran = int(re.search(r"^# tests (\d+)$", report, re.MULTILINE)[1])
    assert ran >= declared > 20
