"""Host servers of which a private name has moved: told at the start, not lost in silence."""

import importlib
import re
import subprocess
import sys

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from interface_server.hosts import HOST_NAMES
from interface_server.hosts.private_names import PrivateName, UnknownRelease, check_names
from tests.interface_server.conftest import SITE, start_host
from tests.processes import REPOSITORY

INSIDES = [importlib.import_module(f"interface_server.hosts.{host}_inside") for host in HOST_NAMES]
NAMES = [
    (library, name)
    for inside in INSIDES
    for library, names in inside._NAMES.items()
    for name in names
]

#: What starts `interface-server`, after a line of the test's own.
START = "{line}; from interface_server.cli import main; main()"


@pytest.mark.parametrize(("library", "name"), NAMES, ids=[name.path for _, name in NAMES])
def test_each_name_is_there_and_would_be_missed(library, name):
    check_names(library, "1.0", [name])
    gone = PrivateName(name.path + "_of_old", name.purpose)
    with pytest.raises(UnknownRelease, match=f"{library} .* has no .*_of_old.*tried with"):
        check_names(library, "1.0", [gone])


def test_a_module_that_has_moved_is_missed():
    moved = PrivateName("twisted.web.no_such_module:HTTPChannel", "anything")
    with pytest.raises(UnknownRelease, match="twisted.web.no_such_module"):
        check_names("twisted", "26.10.0", [moved])


@pytest.mark.parametrize(
    ("server", "line", "text"),
    [
        (
            "daphne",
            "from daphne.ws_protocol import WebSocketProtocol as P; del P.serverReject",
            "has no daphne.ws_protocol:WebSocketProtocol.serverReject",
        ),
        (
            "daphne",
            "import sys; sys.modules['daphne.http_protocol'] = None",
            r"daphne 4\S+ is not one that this works with",
        ),
        (
            "uvicorn",
            "import sys; sys.modules['uvicorn.protocols.http.httptools_impl'] = None",
            r"uvicorn 0\S+ is not one that this works with",
        ),
        (
            "daphne",
            "import daphne.server; from twisted.web import http; "
            "del object.__getattribute__(http, '_module').HTTPChannel",
            "is not one that this works with: .*HTTPChannel",
        ),
        ("uvicorn", "import sys; sys.modules['httptools'] = None", "httptools is not installed"),
    ],
)
def test_the_command_does_not_start_without_a_name_that_it_needs(server, line, text):
    command = [sys.executable, "-c", START.format(line=line), "--server", server, "-p", "0", SITE]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30)
    assert run.returncode == 1
    assert re.search(text, run.stderr)
    assert "Traceback" not in run.stderr


WRAPPED = """
from tests.interface_server.sites.memory import channel_layer

async def application(scope, receive, send):
    async def wrapped(event):
        await send(event)
    await channel_layer(scope, receive, wrapped)
"""


def test_under_plain_daphne_a_middleware_that_hides_what_is_lost_is_told_once(tmp_path):
    (tmp_path / "wrapped_site.py").write_text(WRAPPED)
    command = [
        sys.executable,
        "-m",
        "daphne",
        "-v",
        "0",
        "-p",
        "{port}",
        "wrapped_site:application",
    ]
    path = {"PYTHONPATH": f"{tmp_path}:{REPOSITORY}"}
    host = start_host(tmp_path, command, more_env=path)
    try:
        for _ in range(2):
            with pytest.raises(InvalidStatus):
                connect(host.ws_url + "/refuse", open_timeout=10)
        assert host.log.count("Daphne's `send` is wrapped by 'application.<locals>.wrapped'") == 1
    finally:
        host.kill()
