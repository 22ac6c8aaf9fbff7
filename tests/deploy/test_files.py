"""The files for supervisord, systemd and Docker: their commands are ones that we have."""

import re
import shlex

import pytest
from click.testing import CliRunner

from interface_server.cli import command as interface_server
from tests.processes import REPOSITORY

FILES = [
    *(REPOSITORY / "deploy" / "systemd").glob("*.service"),
    REPOSITORY / "deploy" / "docker" / "compose.yaml",
    REPOSITORY / "deploy" / "docker" / "Dockerfile",
    REPOSITORY / "deploy" / "supervisord.conf",
    REPOSITORY / "README.md",
]
TEXTS = {path.name: path.read_text() for path in FILES}
VALUES = {"SERVER": "daphne", "BIND": "127.0.0.1", "PORT": "8000"}


def options_of(pattern):
    """Return (file, options) for each command that matches, up to the end of its line."""
    for name, text in TEXTS.items():
        text = re.sub(r"%\(ENV_(\w+)\)s", lambda m: VALUES.get(m[1], ""), text)
        text = text.replace('", "', " ").replace('"', "")
        for found in re.finditer(pattern + r"((?: +-[^\s`|]+(?: +[^-\s`|]\S*)?)+)", text):
            yield pytest.param(found[1], id=f"{name}: {found[1].strip()}")


@pytest.mark.parametrize("options", list(options_of("interface-server")))
def test_interface_server_takes_these_options(options):
    args = [arg for arg in shlex.split(options) if ":channel_layer" not in arg]
    result = CliRunner().invoke(interface_server, [*args, "--help"])
    assert result.exit_code == 0, result.output
    bad = CliRunner().invoke(interface_server, [*args, "no.such.module:layer"])
    assert "no.such.module" in bad.output


@pytest.mark.parametrize("options", list(options_of("manage.py runworker")))
def test_runworker_takes_these_options(options):
    from channels.management.commands.runworker import Command

    parsed = Command().create_parser("manage.py", "runworker").parse_args(shlex.split(options))
    assert parsed.only_channels or parsed.exclude_channels
