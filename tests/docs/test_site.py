"""The documentation as a site: it builds without a warning, is whole, and needs nobody else."""

import functools
import html.parser
import importlib
import inspect
import os
import re
import subprocess
import sys
import zlib

import pytest

from channels.layers.base import BaseChannelLayer
from channels.layers.redis import RedisChannelLayer, RedisSentinelChannelLayer
from channels.startup.checks import LAYER_KEYS
from interface_server.cli import command
from routing.protocols import CHANNEL_KEYS
from tests.channels.old_names import GONE, MEMBERS, NAMES
from tests.docs.blocks import DOCS, pages
from tests.processes import REPOSITORY


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return folder


class _Links(html.parser.HTMLParser):
    """Collects what a page loads, and what it links to."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.linked = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "src" or (tag == "link" and name == "href"):
                self.loaded.append(value)
            elif name == "href":
                self.linked.append(value)


def test_each_page_is_in_the_site_and_in_its_navigation(site):
    front = _Links((site / "index.html").read_text()).linked
    for page in pages()[:-1]:
        name = str(page.relative_to(DOCS).with_suffix(".html"))
        assert (site / name).exists()
        assert name in front or name == "index.html", f"{name} is not in the navigation"


def test_a_page_loads_nothing_from_elsewhere(site):
    seen = 0
    for page in site.rglob("*.html"):
        for url in _Links(page.read_text()).loaded:
            seen += 1
            assert not re.match(r"(https?:)?//", url), f"{page.name} loads {url}"
    assert seen > 50
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text()), sheet


def test_tests_of_code_blocks_are_not_shown(site):
    for page in site.rglob("*.html"):
        assert not re.search(r"<!-- (?:test|setup)\b", page.read_text()), page


@pytest.fixture(scope="module")
def documented(site):
    """The names that the reference describes, with their aliases."""
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(inventory).decode().splitlines()
    return {line.split(" ")[0] for line in lines}


def _canonical(path):
    """The path under which an object is defined."""
    module, _, name = path.rpartition(".")
    if not module:
        return path
    try:
        thing = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):  # a member of a class: its owner is looked up by itself
        return path
    if not hasattr(thing, "__qualname__"):
        return path
    return f"{thing.__module__}.{thing.__qualname__}"


def _is_described(owner, name, documented):
    """Whether the reference has a section about it, or names it in a sentence."""
    if {f"{owner}.{name}", f"{_canonical(owner)}.{name}"} & documented:
        return True
    return f"`{name}`" in _words() or f"`{name}(" in _words()


@functools.cache
def _words():
    return "".join(page.read_text() for page in (DOCS / "reference").glob("*.md"))


def _old_names():
    """The public names of 1.x that are still there, as (owner, name); commands have their page."""
    owners = {**NAMES, **MEMBERS}
    for owner, names in owners.items():
        if owner in GONE or ".commands." in f"{owner}.":
            continue
        yield from ((owner, name) for name in names.split() if f"{owner}.{name}" not in GONE)


def test_every_public_name_of_1_x_is_described(documented):
    missing = [
        f"{owner}.{name}"
        for owner, name in _old_names()
        if not _is_described(owner, name, documented)
        and _canonical(f"{owner}.{name}") not in documented
    ]
    assert missing == []


def test_the_arguments_of_public_names_are_shown(site):
    page = (site / "reference" / "channels.html").read_text()
    shown = re.sub(r"<[^>]+>", "", page)
    assert "Channel(name, alias=DEFAULT_CHANNEL_LAYER, channel_layer=None)" in shown
    assert "send(content, immediately=False, delay_s=0.0)" in shown


def test_every_flag_of_every_command_is_shown(site):
    page = (site / "reference" / "commands.html").read_text()
    for option in command.params:
        for flag in option.opts:
            assert flag in page or "_" in flag or not flag.startswith("-"), flag
    for name in ("runserver", "runworker", "rundelay"):
        assert f"manage.py {name}" in page
    for flag in ("--only-channels", "--exclude-channels", "--threads", "--reload", "--noworker"):
        assert flag in page


SETTINGS = (DOCS / "reference" / "settings.md").read_text()


def _table_keys(heading):
    section = SETTINGS.partition(heading)[2].partition("\n##")[0]
    return {*re.findall(r"^\| `(\w+)`", section, re.MULTILINE)}


def _arguments(layer_class):
    return {
        name
        for name, one in inspect.signature(layer_class).parameters.items()
        if one.kind is not one.VAR_KEYWORD
    }


def test_every_key_of_channel_layers_is_described():
    assert _table_keys("## CHANNEL_LAYERS\n") == {*LAYER_KEYS}
    assert _table_keys("{ #config }") == _arguments(BaseChannelLayer)
    assert _table_keys("{ #redis }") == _arguments(RedisChannelLayer)
    assert _table_keys("{ #sentinel }") == _arguments(RedisSentinelChannelLayer)


def _sources(*rooms):
    return "".join(p.read_text() for room in rooms for p in (REPOSITORY / room).rglob("*.py"))


def test_every_setting_is_described():
    found = {*re.findall(r"\"(CHANNELS?_[A-Z_]+)\"", _sources("channels", "routing", "worker"))}
    found -= {"CHANNELS_CONFIG"}
    assert {name for name in found if name not in SETTINGS} == set()
    assert "CHANNEL_SESSION_ENGINE" in found


def test_every_system_check_is_described():
    codes = {*re.findall(r"\"([EW]\d{3})\"", _sources("channels", "routing"))}
    assert codes == {*re.findall(r"`channels\.([EW]\d{3})`", SETTINGS)}


MESSAGES = (DOCS / "reference" / "messages.md").read_text()


@pytest.mark.parametrize("channel", CHANNEL_KEYS)
def test_every_key_of_a_message_is_described(channel):
    section = MESSAGES.partition(f"\n## {channel}\n")[2].partition("\n## ")[0]
    rows = "".join(line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `"))
    assert {*re.findall(r"`(\w+)`", rows)} == CHANNEL_KEYS[channel]


def test_every_link_in_a_page_leads_somewhere_in_the_repository():
    for page in pages():
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)(?:#[\w.-]+)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
