"""Each block of code in the documentation does what its page says."""

import configparser
import contextlib
import re
import shutil
import subprocess

import pytest
import yaml

from channels.binding.base import BindingMetaclass
from channels.test.layers import memory_layers
from tests.channels.binding.conftest import _forget_bindings, _own_receivers  # noqa: F401
from tests.conftest import give_up
from tests.docs import logs, shell
from tests.docs.blocks import blocks_in, pages, read_blocks
from tests.docs.sandbox import Sandbox
from tests.processes import REPOSITORY, free_port, make_certificate

#: Pages with Python in them. What README.md says is run by its own test, as whole processes.
PAGES = [
    path
    for path in pages()
    if path.name != "README.md"
    and any(block.language in ("python", "test") for block in read_blocks(path))
]

#: What a fence may be in: each has a test below; but "text" is the output of channels_status, which
#: tests/channels/management/test_status_text.py compares.
LANGUAGES = {"python", "test", "sh", "ini", "nginx", "yaml", "js", "log", "text"}


def name_of(path):
    return str(path.relative_to(REPOSITORY))


@pytest.fixture
def sandbox(tmp_path, database, monkeypatch):
    """A Sandbox over a fresh in-memory layer; bindings that a page makes follow at once."""
    monkeypatch.setattr(BindingMetaclass, "register_immediately", True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(memory_layers(["default"]))
        yield stack.enter_context(Sandbox(tmp_path))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_of_a_page_runs_and_does_what_is_said(page, sandbox):
    for block in read_blocks(page):
        if block.language in ("python", "test"):
            sandbox.run(block)


@pytest.mark.parametrize("block", blocks_in("sh"), ids=str)
def test_commands_exist_and_take_these_flags(block):
    shell.check_script(block.code)


@pytest.mark.parametrize("block", blocks_in("ini"), ids=str)
def test_configuration_files_parse_and_their_commands_exist(block):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(block.code)
    for section in parser.values():
        for key in ("command", "ExecStart"):
            if key in section:
                shell.check_script(section[key])


@pytest.mark.parametrize("block", blocks_in("nginx"), ids=str)
def test_nginx_takes_its_configuration(block, tmp_path):
    if shutil.which("nginx") is None:
        give_up("no nginx")
    code = re.sub(r"listen \d+", lambda _: f"listen 127.0.0.1:{free_port()}", block.code)
    certificate, key = make_certificate(tmp_path)
    code = re.sub(r"ssl_certificate .*;", f"ssl_certificate {certificate};", code)
    code = re.sub(r"ssl_certificate_key .*;", f"ssl_certificate_key {key};", code)
    (tmp_path / "site.conf").write_text(code)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; include {tmp_path}/site.conf; }}\n"
    )
    command = ["nginx", "-t", "-q", "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("block", blocks_in("yaml"), ids=str)
def test_yaml_parses(block):
    assert list(yaml.safe_load_all(block.code))


@pytest.mark.parametrize("block", blocks_in("js"), ids=str)
def test_javascript_runs_beside_the_bridge(block):
    node = shutil.which("node")
    if node is None:
        give_up("no node: install Node.js 18 or later")
    page = (REPOSITORY / "tests" / "docs" / "page.js").read_text() + block.code
    said = subprocess.run(
        [node, "-"],
        input=page,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=REPOSITORY,
    )
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("block", blocks_in("log"), ids=str)
def test_log_lines_are_those_that_the_code_writes(block):
    for line in block.code.splitlines():
        assert logs.is_written(line), line


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_block_is_of_a_kind_that_is_tried(page):
    text = page.read_text()
    assert {block.language for block in read_blocks(page)} <= LANGUAGES
    # A fence in a list, or one that is not closed, would be passed over.
    fences = [line for line in text.splitlines() if line.lstrip().startswith("```")]
    assert len(fences) == 2 * sum(block.language != "test" for block in read_blocks(page))


def test_a_wrong_flag_in_a_command_is_noticed():
    for command in (
        "python manage.py runworker --only-channel=x --thread 1 --nonsense",
        "interface-server --porto 1 site.asgi:layer",
        "daphne --nonsense x:y",
        "supervisorctl restart nonsense:*",
        "pip install channels-classic[nonsense]",
        "manage.py nonsense",
        "nonsense --help",
    ):
        with pytest.raises(AssertionError):
            shell.check_script(command)
