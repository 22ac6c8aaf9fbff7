"""A project of Channels 4, unchanged, passes its own tests and its system checks, as it does with
PyPI's channels 4.3."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.wheel import NoNetwork, build_wheel, install
from tests.conftest import give_up

REPOSITORY = Path(__file__).resolve().parent.parent
#: The interpreter of an environment with PyPI's channels 4.3, to spare the time to make one.
PEER = os.environ.get("CHANNELS_4_PYTHON")


def manage(*args, data, python=sys.executable, path=str(REPOSITORY)):
    """Run its manage.py; return the CompletedProcess."""
    environment = {**os.environ, "PYTHONPATH": path, "DATA_DIR": str(data)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [python, "-W", "error::RuntimeWarning", "manage.py", *args],
        cwd=REPOSITORY / "tests" / "project_4",
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_its_tests_pass(tmp_path):
    done = manage("test", data=tmp_path)
    assert "Ran 15 tests" in done.stderr and done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("method", ["spawn"])
def test_its_live_tests_pass_in_processes_that_are_spawned(tmp_path, method):
    code = (
        "import multiprocessing, sys; "
        f"multiprocessing.set_start_method({method!r}); "
        "sys.argv = ['manage.py', 'test', 'rooms.tests.LiveTests']; "
        "import runpy; runpy.run_path('manage.py', run_name='__main__')"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DATA_DIR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY / "tests" / "project_4",
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_system_checks_find_no_error(tmp_path):
    done = manage("check", data=tmp_path)
    assert "System check identified no issues" in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_tests_pass_with_channels_4_itself(tmp_path):
    try:
        peer = PEER or install(tmp_path / "peer", "channels[daphne]==4.3.2", "websockets")
    except NoNetwork as error:
        give_up(str(error))
    done = manage("test", data=tmp_path, python=peer, path="")
    assert "Ran 15 tests" in done.stderr and done.returncode == 0, done.stdout + done.stderr


def test_packages_that_need_channels_are_content_with_the_stand_in(tmp_path):
    """channels_redis requires the distribution `channels`: pip leaves it at the stand-in, and our
    package stays as it is."""
    stand_in = REPOSITORY / "deploy" / "channels_stand_in"
    try:
        wheel = build_wheel(tmp_path)
        python = install(tmp_path / "venv", wheel, stand_in, "channels_redis")
    except NoNetwork as error:
        give_up(str(error))
    code = (
        "import channels, importlib.metadata as m; from channels.package_checks import check_all; "
        "check_all(); print(channels.Group, m.version('channels'), m.version('channels_redis'))"
    )
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert "channels.channel.Group" in done.stdout and "4.3.2+classic" in done.stdout, done.stderr
