"""Who a process is: its project and the version of its code."""

import os
import subprocess
import sys

import pytest

from channels.startup.commit import find_commit
from channels.startup.identity import code_version, describe_process, project_marks
from tests.processes import REPOSITORY


def test_the_version_is_the_environments_then_the_settings_then_the_commit(settings, monkeypatch):
    monkeypatch.delenv("CHANNELS_CODE_VERSION", raising=False)
    assert code_version() == (find_commit(REPOSITORY) or "unknown")
    settings.CHANNELS_CODE_VERSION = 17
    assert code_version() == "17"
    monkeypatch.setenv("CHANNELS_CODE_VERSION", "2026-11-21")
    assert code_version() == "2026-11-21"


def test_the_mark_of_a_project_is_that_of_its_secret_key(settings):
    settings.SECRET_KEY = "one"
    (one,) = project_marks()
    settings.SECRET_KEY = "two"
    (two,) = project_marks()
    assert one != two
    assert "one" not in one


def test_a_project_that_changes_its_key_has_the_old_mark_too(settings):
    settings.SECRET_KEY = "old"
    old = project_marks()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    assert set(old) < set(project_marks())


def test_a_process_tells_where_it_runs():
    assert describe_process()["pid"] == os.getpid()
    assert set(describe_process()) == {
        *("host", "pid", "version", "project", "restarted_by", "metrics")
    }


def test_without_settings_the_project_is_not_known():
    code = "from channels.startup.identity import *; print(project_marks(), code_version())"
    env = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    env.pop("CHANNELS_CODE_VERSION", None)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "[] unknown", done.stderr


@pytest.mark.parametrize(
    ("variable", "restarter"),
    [
        ("SUPERVISOR_ENABLED", "supervisord"),
        ("INVOCATION_ID", "systemd"),
        ("KUBERNETES_SERVICE_HOST", "Kubernetes"),
    ],
)
def test_process_tells_what_starts_it_again(monkeypatch, variable, restarter):
    for name in ("SUPERVISOR_ENABLED", "INVOCATION_ID", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "1")
    assert describe_process()["restarted_by"] == restarter
