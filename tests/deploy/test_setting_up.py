"""What the start command decides before anything runs."""

import socket
import subprocess

import click
import pytest

from deploy import setting_up, supervision
from tests.processes import REPOSITORY, free_port


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_next_port_is_taken_if_the_first_is_not_free(monkeypatch, taken_port):
    monkeypatch.setattr(setting_up, "FIRST_PORT", taken_port)
    assert taken_port < setting_up.choose_port("127.0.0.1", None) < taken_port + 50


def test_a_port_that_is_named_is_used_or_refused(taken_port):
    port = free_port()
    assert setting_up.choose_port("127.0.0.1", port) == port
    with pytest.raises(click.ClickException, match=f"127.0.0.1:{taken_port}.*another --port"):
        setting_up.choose_port("127.0.0.1", taken_port)


def test_no_redis_at_redis_url_is_said():
    with pytest.raises(click.ClickException, match="no Redis answers at REDIS_URL=redis://127"):
        setting_up.check_redis(f"redis://127.0.0.1:{free_port()}/0")


def test_long_run_folder_keeps_its_sockets_elsewhere(tmp_path):
    with setting_up.socket_folder(tmp_path / ("x" * 200)) as folder:
        assert len(str(folder)) < setting_up.LONGEST_SOCKET_FOLDER


def test_values_go_into_the_configuration_with_percent_signs_escaped():
    assert supervision.render("dir=%(ENV_A)s/%(here)s", {"A": "/50%"}) == "dir=/50%%/%(here)s"


def test_a_value_that_is_missing_is_named():
    with pytest.raises(KeyError, match="ABSENT"):
        supervision.render("dir=%(ENV_ABSENT)s", {})


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
