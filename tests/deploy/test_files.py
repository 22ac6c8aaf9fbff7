"""The files of recipes and of the demo: their commands are ones that we have."""

import re
import shlex

import pytest
from click.testing import CliRunner

from deploy.examples import FOLDER, make_examples
from interface_server.cli import command as interface_server
from tests.processes import REPOSITORY

FILES = [
    *(FOLDER / "systemd").glob("*.service"),
    FOLDER / "supervisord" / "supervisord.conf",
    FOLDER / "procfile" / "Procfile",
    FOLDER / "compose" / "compose.yaml",
    REPOSITORY / "deploy" / "docker" / "compose.yaml",
    REPOSITORY / "README.md",
]
TEXTS = {f"{path.parent.name}/{path.name}": path.read_text() for path in FILES}


def options_of(pattern):
    """Return (file, options) for each command that matches, up to the end of its line."""
    for name, text in TEXTS.items():
        text = text.replace('", "', " ").replace('"', "").replace("$PORT", "8000")
        text = re.sub(r"\d\d%\((?:process_num)\)02d|\d\d%i", "9501", text)
        for found in re.finditer(pattern + r"((?: +'?-[^\s`|]+(?: +[^-\s`|]\S*)?)+)", text):
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


def test_the_examples_are_what_the_recipes_write():
    written = {
        path.relative_to(FOLDER).as_posix(): path.read_text()
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    assert written == make_examples(), "run python -m deploy.examples"
