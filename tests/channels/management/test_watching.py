"""`channels_status --watch`: the status again and again, trouble in red."""

import io
import json
import os
import re
import signal
import subprocess
import sys

import pytest
from rich.console import Console

from channels.exceptions import LayerUnavailable
from channels.management.watching import render, watch
from tests.processes import REPOSITORY, wait_until

COUNTS = {
    "channel_full_count": 0,
    "expired_count": 0,
    "dropped_count": 0,
    "lost_count": 0,
    "undecodable_count": 0,
    "dead_letter_count": 0,
}


def channel(name, **changes):
    return {
        "name": name,
        "messages_pending": 0,
        "messages_max_age": 0.0,
        "messages_count": 7,
        "delayed": 0,
        "owned": 0,
        "dead_letters": 0,
        **COUNTS,
        **changes,
    }


def server(**changes):
    return {"id": "Rk", "seen_s": 1.0, "host": "web-1", "pid": 7, "sockets": 214, **changes}


def worker(**changes):
    return {
        "id": "w-1",
        "seen_s": 1.0,
        "channels": ["mail"],
        "threads": 2,
        "running": [],
        **changes,
    }


def painted(status):
    """Return (all lines, those with something red in them) of a status on a terminal."""
    paper = io.StringIO()
    console = Console(file=paper, force_terminal=True, color_system="standard", width=200)
    console.print(render(status, 1_000_000.0))
    lines = paper.getvalue().splitlines()
    return lines, [line for line in lines if re.search(r"\x1b\[(1;)?31m", line)]


def test_healthy_split_has_no_red():
    status = {"servers": [server()], "workers": [worker()], "channels": [channel("mail")]}
    lines, red = painted(status)
    assert red == []
    for shown in ("214", "w-1", "mail"):
        assert [line for line in lines if shown in line]


def test_the_instances_that_a_worker_has_moved_are_shown():
    moved = worker(sockets=3, hand_overs={"given": 12, "taken": 4})
    lines, red = painted({"servers": [server()], "workers": [moved], "channels": []})
    assert [line for line in lines if "12 given, 4 taken" in line]
    assert not [line for line in red if "given" in line]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"servers": []}, "no interface servers"),
        ({"workers": []}, "no workers"),
        ({"workers": [worker(seen_s=15.0)]}, "15 s ago"),
        ({"workers": [worker(hand_overs={"failed": 1, "taken": 6})]}, "1 failed, 6 taken"),
        ({"channels": [channel("mail", messages_pending=3, messages_max_age=9.0)]}, "9 s"),
        ({"channels": [channel("odd", messages_pending=3)]}, "by no worker"),
        ({"channels": [channel("mail", dead_letters=4)]}, "4"),
        ({"channels": [channel("mail", channel_full_count=5)]}, "refused"),
    ],
)
def test_trouble_is_red(changes, word):
    status = {
        "servers": [server()],
        "workers": [worker()],
        "channels": [channel("mail")],
        **changes,
    }
    assert [line for line in painted(status)[1] if word in line]


def test_engine_that_is_away_is_told_and_watching_goes_on():
    console = Console(force_terminal=True, width=200)
    answers = iter([LayerUnavailable("Redis is unreachable", was_sent=False), KeyboardInterrupt()])

    def ask():
        raise next(answers)

    with console.capture() as shown:
        watch(ask, 1.0, console=console, sleep=lambda seconds: None)
    assert "Redis is unreachable" in shown.get()


def test_json_is_one_object_on_a_line_until_the_interrupt(redis_server, tmp_path):
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.split.site.settings",
        "REDIS_URL": redis_server.url,
        "DIRECTORY": str(tmp_path),
        "LAYER": "{}",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "django", "channels_status", "--watch", "0.1", "--json"]
    with (
        open(tmp_path / "out", "w+") as out,
        subprocess.Popen(command, cwd=REPOSITORY, env=env, stdout=out) as process,
    ):
        wait_until(lambda: (tmp_path / "out").read_text().count("\n") >= 3, what=process.args)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    told = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert all({"at", "servers", "workers", "channels"} <= set(one) for one in told)
