"""ChannelLiveServerTestCase, in the tests of somebody else's project."""

import os
import subprocess
import sys

import psutil
import pytest

from tests.conftest import give_up
from tests.processes import REPOSITORY

LIVE = "tests.channels.test_tools.live"
#: A warning is an error, but for what Daphne's Autobahn asks asyncio for: old on Python 3.14.
WARNINGS = ("-W", "error", "-W", "ignore::DeprecationWarning:txaio.tx")


@pytest.fixture
def run_tests(redis_server, tmp_path):
    """Run `manage.py test` over the small project; return its CompletedProcess."""

    def run(label=f"{LIVE}.tests", runner=("-m", "django"), **environment):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"{LIVE}.settings",
            "PYTHONPATH": str(REPOSITORY),
            "DATABASE": str(tmp_path / "db.sqlite3"),
            "TEST_DATABASE": str(tmp_path / "test.sqlite3"),
            "REDIS_URL": redis_server.url,
            **environment,
        }
        command = [sys.executable, *WARNINGS, *runner, "test", "-v", "2", label]
        return subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=100
        )

    return run


def test_pages_static_files_and_sockets_are_served_over_the_databases_of_the_test(
    run_tests, redis_server, tmp_path
):
    mark = f"of the test in {tmp_path}"
    done = run_tests(MARK=mark)
    assert "Ran 7 tests" in done.stderr and done.returncode == 0, done.stdout + done.stderr
    assert find_processes(mark) == []
    assert redis_server.client().keys("*") == []


def test_a_real_browser_opens_its_pages_and_sockets(run_tests):
    from tests.browser.chromium import find_chromium

    if find_chromium() is None:
        give_up("no Chromium: install chromium and chromedriver (Debian: chromium-driver)")
    done = run_tests(f"{LIVE}.browser_tests")
    assert "Ran 1 test" in done.stderr and done.returncode == 0, done.stdout + done.stderr


def test_the_script_that_runs_the_tests_is_not_run_again_in_the_processes(run_tests, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "from django.core.management import execute_from_command_line\n"
        "import sys\n"
        "print('the script runs')\n"
        "execute_from_command_line(sys.argv)\n"
    )
    done = run_tests(f"{LIVE}.tests.OverriddenTests", runner=[script])
    assert "Ran 2 tests" in done.stderr and done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the script runs") == 1


def test_test_config_describes_the_layer(run_tests, redis_server):
    redis_server.client().set("theirs", 1)
    done = run_tests(f"{LIVE}.tests.LiveTests", TEST_PREFIX="mine:")
    assert "Ran 5 tests" in done.stderr and done.returncode == 0, done.stdout + done.stderr
    assert redis_server.client().keys("*") == [b"theirs"]


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"TEST_DATABASE": ":memory:"}, "can not be used with in memory databases: give DATABASES"),
        (
            {"BACKEND": "channels.layers.memory.MemoryChannelLayer"},
            "works within one process only, and ChannelLiveServerTestCase starts several",
        ),
        ({"TEST_PREFIX": "{wrong}"}, "prefix must be a string without braces"),
    ],
)
def test_what_can_not_work_is_refused_with_the_way_out(run_tests, environment, problem):
    done = run_tests(f"{LIVE}.tests.LiveTests", **environment)
    assert done.returncode != 0
    assert problem in done.stderr


def find_processes(mark):
    """Return the processes that have `mark` as MARK in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == mark:
                found.append(process)
        except psutil.Error:  # gone by now, or not ours
            pass
    return found
