"""What the start command decides before anything runs."""

import socket

import pytest

from channels.supervising import choices
from channels.supervising.errors import CannotStart
from tests.processes import free_port


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_next_port_is_taken_if_the_first_is_not_free(monkeypatch, taken_port):
    monkeypatch.setattr(choices, "FIRST_PORT", taken_port)
    assert taken_port < choices.choose_port("127.0.0.1", None) < taken_port + 50


def test_a_port_that_is_named_is_used_or_refused(taken_port):
    port = free_port()
    assert choices.choose_port("127.0.0.1", port) == port
    with pytest.raises(CannotStart, match=f"127.0.0.1:{taken_port}.*another --port"):
        choices.choose_port("127.0.0.1", taken_port)


def test_no_redis_at_redis_url_is_said():
    with pytest.raises(CannotStart, match="no Redis answers at REDIS_URL=redis://127"):
        choices.check_redis(f"redis://127.0.0.1:{free_port()}/0")


def test_long_run_folder_keeps_its_sockets_elsewhere(tmp_path):
    with choices.socket_folder(tmp_path / ("x" * 200)) as folder:
        assert len(str(folder)) < choices.LONGEST_SOCKET_FOLDER


def test_no_password_is_shown_when_no_redis_answers():
    url = f"redis://:ab@cd#secret@127.0.0.1:{free_port()}/0"
    with pytest.raises(CannotStart) as raised:
        choices.check_redis(url)
    assert "secret" not in str(raised.value)
