import io
import logging

import pytest

from channels import log


@pytest.fixture
def stream(monkeypatch):
    loggers = [logging.getLogger(name) for name in ("channels.test_log", *log.SERVER_LOGGERS)]
    before = [(one.level, list(one.handlers), one.propagate) for one in loggers]
    monkeypatch.setattr(log.handler, "stream", io.StringIO())
    yield log.handler.stream
    for one, (level, handlers, propagate) in zip(loggers, before, strict=True):
        one.setLevel(level)
        one.handlers, one.propagate = handlers, propagate


def test_the_logger_shows_what_it_says_once_however_often_it_is_set_up(stream):
    log.setup_logger("channels.test_log")
    logger = log.setup_logger("channels.test_log")
    logger.info("hello")
    logger.debug("not this")
    assert stream.getvalue().count("INFO - test_log - hello") == 1
    assert "not this" not in stream.getvalue()


def test_a_higher_verbosity_shows_debug_messages_of_the_server_too(stream):
    log.setup_logger("channels.test_log", verbosity=2).debug("mine")
    logging.getLogger("daphne.server").debug("theirs")
    assert "mine" in stream.getvalue()
    assert "theirs" in stream.getvalue()
