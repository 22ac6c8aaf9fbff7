"""Whether the commands in the documentation exist, with the flags and names that are written."""

import configparser
import re
import shlex
import subprocess

import click
from django.core.management import get_commands, load_command_class

from tests.processes import REPOSITORY

#: What channels_deploy writes, which the pages speak of.
EXAMPLES = REPOSITORY / "deploy" / "examples"

#: What needs no look: it does what it does everywhere.
_PLAIN = {".", "cd", "cp", "curl", "export", "install", "mkdir", "source", "test"}


def check_script(script):
    """Check each command of a shell script. Raises AssertionError, which says what is wrong."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            check_command(words)


def check_command(words):
    """Check one command, given as a list of words."""
    while words[0] == "sudo" or re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
        if not words:
            return
    program, arguments = words[0].rpartition("/")[2], words[1:]
    if program in _PLAIN:
        return
    check = _CHECKS.get(program)
    assert check, f"{program}: nobody checks this program's arguments"
    check(arguments)


def _check_python(arguments):
    if arguments[0].endswith("manage.py"):
        return _check_manage(arguments[1:])
    assert arguments[0] == "-m", f"python {arguments[0]}: expected manage.py or -m"
    if arguments[1] in ("venv", "pytest"):
        return None
    return check_command(arguments[1:])


def _check_manage(arguments):
    name, *rest = arguments
    assert name in get_commands(), f"no command manage.py {name}"
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    parser = command.create_parser("manage.py", name)
    parser.error = _fail
    parser.parse_args(rest)


def _fail(message):
    raise AssertionError(message)


def _check_click(command, arguments):
    try:
        command.make_context("command", list(arguments))
    except click.ClickException as error:
        raise AssertionError(error.format_message()) from error
    except click.exceptions.Exit:
        return  # --help


def _check_interface_server(arguments):
    from interface_server.cli import command, spread_protocols

    _check_click(command, spread_protocols(arguments))


def _check_uvicorn(arguments):
    import uvicorn

    _check_click(uvicorn.main, arguments)


def _check_mkdocs(arguments):
    from mkdocs.__main__ import cli

    _check_click(cli.commands[arguments[0]], arguments[1:])


def _check_daphne(arguments):
    from daphne.cli import CommandLineInterface

    _parse(CommandLineInterface().parser, arguments)


def _check_gunicorn(arguments):
    from gunicorn.config import Config

    _parse(Config().parser(), arguments)


def _parse(parser, arguments):
    parser.error = _fail
    parser.parse_args(arguments)


def _check_pip(arguments):
    from pip._internal.commands import create_command

    name, *rest = arguments
    command = create_command(name)
    command.parser.error = _fail
    _, packages = command.parse_args(rest)
    for package in packages:
        for extra in re.findall(r"\[([\w,]+)\]", package):
            assert {*extra.split(",")} <= _extras(), f"{package}: there is no such extra"


def _extras():
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    return {*setup["options.extras_require"]}


def _check_supervisorctl(arguments):
    if arguments[:1] == ["-c"]:
        arguments = arguments[2:]
    action, *programs = arguments
    assert action in ("start", "stop", "restart", "status", "tail"), action
    conf = (EXAMPLES / "supervisord" / "supervisord.conf").read_text()
    known = set(re.findall(r"^\[program:(\w+)\]", conf, re.MULTILINE))
    for program in programs:
        assert program.partition(":")[0] in known, f"no program {program} in supervisord.conf"


def _check_systemctl(arguments):
    action, *rest = arguments
    assert action in ("start", "stop", "restart", "status", "enable", "daemon-reload"), action
    known = {path.stem for path in (EXAMPLES / "systemd").glob("mysite*")}
    for unit in rest:
        name, mark, _ = unit.removesuffix(".target").partition("@")
        assert unit.startswith("-") or name + mark in known, f"no unit {unit} in examples/systemd"


def _check_docker(arguments):
    assert arguments[:2] == ["compose", "-f"], arguments
    composed = (REPOSITORY / arguments[2]).read_text()
    services = set(re.findall(r"^  (\w+):$", composed.partition("\nservices:\n")[2], re.MULTILINE))
    action, *rest = arguments[3:]
    assert action in ("up", "down", "logs", "restart", "ps"), action
    named = {word.partition("=")[0] for word in rest if not word.startswith("-")}
    assert named <= services, f"no service {named - services} in {arguments[2]}"


def _check_redis_cli(arguments):
    assert arguments[0] in ("ACL", "HKEYS"), f"redis-cli {arguments[0]}"


def _check_redis_server(arguments):
    """Its options have to be known to the program, which says so at once."""
    from tests.processes import find_redis_server

    names = [word for word in arguments if word.startswith("--")]
    for name in names:
        command = [find_redis_server(), name]  # without a value: refused, but not as unknown
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        assert "wrong number of arguments" in said.stderr + said.stdout, f"redis-server {name}"


def _check_probe(arguments):
    (url,) = arguments
    assert url.startswith("http://"), url


def _check_health_listener(arguments):
    from channels.supervising.health_listener import read_ports

    assert read_ports(arguments)


_CHECKS = {
    "channels.metrics.probe": _check_probe,
    "channels.supervising.health_listener": _check_health_listener,
    "daphne": _check_daphne,
    "django-admin": _check_manage,
    "docker": _check_docker,
    "gunicorn": _check_gunicorn,
    "interface-server": _check_interface_server,
    "manage": _check_manage,
    "manage.py": _check_manage,
    "mkdocs": _check_mkdocs,
    "pip": _check_pip,
    "python": _check_python,
    "python3": _check_python,
    "redis-cli": _check_redis_cli,
    "redis-server": _check_redis_server,
    "supervisorctl": _check_supervisorctl,
    "systemctl": _check_systemctl,
    "uvicorn": _check_uvicorn,
}
