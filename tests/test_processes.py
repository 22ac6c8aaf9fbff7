"""The fixtures themselves: others build on them."""

import ast
import itertools
import os
import signal
import subprocess
import sys

import psutil
import pytest
import redis

from tests.processes import REPOSITORY, Process, RedisServer, Split, free_port, wait_until


def test_redis_starts_empty_and_answers_on_socket_and_port(redis_server):
    with redis_server.client() as client:
        assert client.dbsize() == 0
        client.set("key", "1")
    with redis.Redis.from_url(redis_server.tcp_url) as client:
        assert client.get("key") == b"1"


def test_redis_keeps_its_data_when_it_is_killed(redis_server):
    with redis_server.client() as client:
        client.set("key", "1")
    redis_server.kill()
    redis_server.start()
    with redis_server.client() as client:
        assert client.get("key") == b"1"


def test_redis_comes_back_empty_when_restarted_wiped(redis_server):
    with redis_server.client() as client:
        client.set("key", "1")
    redis_server.restart(wiped=True)
    with redis_server.client() as client:
        assert client.get("key") is None


def test_paused_redis_does_not_answer(redis_server):
    redis_server.pause()
    with redis_server.client(socket_timeout=0.05, retry=None) as client:
        with pytest.raises(redis.TimeoutError):
            client.ping()
        redis_server.resume()
    with redis_server.client() as client:
        assert client.ping()


def test_two_redis_servers_live_side_by_side(redis_server):
    with RedisServer() as other, other.client() as there, redis_server.client() as here:
        there.set("key", "1")
        assert here.get("key") is None


def test_stopping_a_process_ends_its_children_too(tmp_path):
    process = Process(["sh", "-c", "sleep 60 & echo child $!; wait"], tmp_path / "log")
    child = int(process.wait_for_log(r"child (\d+)")[1])
    process.stop()
    wait_until(lambda: _is_gone(child), what="the end of the child")


def test_a_process_that_ends_early_shows_its_log(tmp_path):
    process = Process(["sh", "-c", "echo boom; exit 3"], tmp_path / "log")
    with pytest.raises(AssertionError, match=r"(?s)exit code 3.*boom"):
        process.wait_until_connectable(("127.0.0.1", free_port()))
    process.stop()


def test_killed_test_run_leaves_no_process_behind(tmp_path):
    script = (
        "import sys, time; from tests.processes import Process\n"
        f"print(Process(['sleep', '60'], {str(tmp_path / 'log')!r}).pid, flush=True)\n"
        "time.sleep(60)"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=env) as run:
        pid = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
    wait_until(lambda: _is_gone(pid), what="the end of the killed run's process")


def test_manage_runs_a_command_of_the_project_in_its_environment(tmp_path):
    script = "import os, sys; print(os.environ['REDIS_URL'], sys.argv[1])"
    (tmp_path / "manage.py").write_text(script)
    with Split(tmp_path, settings="any", redis_url="unix://nowhere") as split:
        assert split.manage("check") == "unix://nowhere check\n"


def test_manage_raises_what_a_failing_command_wrote(tmp_path):
    (tmp_path / "manage.py").write_text("raise SystemExit('no such thing')")
    with Split(tmp_path, settings="any") as split, pytest.raises(AssertionError, match="no such"):
        split.manage("check")


def _is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_runs_side_by_side_do_not_choose_the_same_ports():
    code = "from tests.processes import *; print({free_port() for n in range(400)}); input()"
    runs = [
        subprocess.Popen(
            [sys.executable, "-uc", code],
            cwd=REPOSITORY,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    chosen = [ast.literal_eval(run.stdout.readline()) for run in runs]
    for run in runs:
        run.communicate("\n")
    chosen.append({free_port() for _ in range(400)})
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(chosen, 2))
