"""What the commands show of their logs, beside what LOGGING says."""

import io
import json
import logging
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from channels import log
from channels.layers.memory import MemoryChannelLayer
from channels.management.commands.runworker import Command
from channels.message import Message
from channels.startup.installed import take_over_commands
from tests.processes import REPOSITORY

NAMES = (*log.LOGGERS, "interface_server")
#: Sets up the loggers as a command does, twice, and has each say something.
SCRIPT = """
import json, logging, sys
import django
from django.conf import settings
settings.configure(**json.loads(sys.argv[1]))
django.setup()
from channels.log import setup_loggers
verbosity, *names = json.loads(sys.argv[2])
for _ in range(2):
    assert setup_loggers(verbosity, also=["interface_server"]).name == "django.channels"
for name in names:
    logging.getLogger(name).debug("debug from %s", name)
    logging.getLogger(name).info("info from %s", name)
    logging.getLogger(name).warning("warning from %s", name)
"""


@pytest.fixture
def stream(monkeypatch):
    names = ("channels.test_log", *NAMES, *log.SERVER_LOGGERS)
    loggers = [logging.getLogger(name) for name in names]
    root = logging.RootLogger(logging.WARNING)  # the real one has handlers: pytest's
    for one in loggers:
        while one.parent not in (logging.root, root):
            one = one.parent
        monkeypatch.setattr(one, "parent", root)
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


def read_lines(verbosity=1, **settings):
    """Return what is shown, sorted; what a handler of the project shows begins with its name."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(settings), json.dumps([verbosity, *NAMES])],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = ended.stderr.splitlines()
    return sorted(line if line.startswith("mine") else line.split(" - ")[-1] for line in lines)


def lines_of(*names, levels=("info", "warning"), prefix=""):
    return sorted(f"{prefix}{level} from {name}" for level in levels for name in names)


def logging_with(**more):
    """A LOGGING whose handler `mine` shows lines that begin so."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"mine": {"format": "mine %(message)s"}},
        "handlers": {"mine": {"class": "logging.StreamHandler", "formatter": "mine"}},
        **more,
    }


@pytest.mark.parametrize("debug", [False, True])
def test_each_line_is_shown_once(debug):
    assert read_lines(DEBUG=debug) == lines_of(*NAMES)


def test_all_of_it_goes_to_a_root_handler_of_the_project():
    shown = logging_with(root={"handlers": ["mine"], "level": "INFO"})
    assert read_lines(LOGGING=shown) == lines_of(*NAMES, prefix="mine ")


def test_with_verbosity_a_handler_of_the_project_gets_debug_messages():
    shown = logging_with(root={"handlers": ["mine"]})
    levels = ("debug", "info", "warning")
    assert read_lines(2, LOGGING=shown) == lines_of(*NAMES, levels=levels, prefix="mine ")


@pytest.mark.parametrize("name", ["django", "channels", "channels.layers"])
def test_a_logger_with_a_handler_of_its_own_is_left_alone_and_others_are_shown(name):
    level = {"handlers": ["mine"], "level": "WARNING"}
    theirs = [one for one in NAMES if f"{one}.".startswith(f"{name}.")]
    ours = [one for one in NAMES if one not in theirs]
    assert read_lines(LOGGING=logging_with(loggers={name: level})) == sorted(
        lines_of(*ours) + lines_of(*theirs, levels=["warning"], prefix="mine ")
    )


def test_a_level_of_the_project_holds():
    shown = logging_with(loggers={"channels.layers": {"level": "WARNING"}})
    lines = read_lines(LOGGING=shown)
    assert "warning from channels.layers" in lines and "info from channels.layers" not in lines


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (["runworker"], log.LOGGERS),
        (["rundelay"], log.LOGGERS),
        (["runserver", "not-a-port"], NAMES),
    ],
)
def test_the_commands_show_their_loggers(stream, command, names):
    take_over_commands()  # undone by each test that sets INSTALLED_APPS
    with pytest.raises(CommandError):  # what is wrong is said after that
        call_command(*command)
    for name in names:
        logging.getLogger(name).warning("from %s", name)
        assert stream.getvalue().count(f" - from {name}\n") == 1


def test_a_line_about_a_message_has_nothing_of_what_is_in_it(caplog):
    command = Command()
    command.logger = logging.getLogger("django.channels")
    content = {"reply_channel": "http.response.a!b", "headers": [[b"cookie", b"secret"]]}
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "django"):
        command.show_message("http.request", Message(content, "http.request", MemoryChannelLayer()))
    assert caplog.messages == ["message on http.request (reply http.response.a!b)"]
