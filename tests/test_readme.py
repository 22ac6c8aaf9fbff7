"""The tutorial in README.md, run as it is written."""

import re
import shlex
import subprocess
import sys

import pytest
import requests
from websockets.sync.client import connect

from tests.processes import REPOSITORY, Split

README = (REPOSITORY / "README.md").read_text()


def code_blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands():
    return [line for block in code_blocks("sh") for line in block.splitlines() if line]


@pytest.fixture
def mysite(tmp_path, redis_server):
    """The project that the tutorial makes, with its processes as the tutorial starts them."""
    assert "django-admin startproject mysite ." in commands()
    make = [sys.executable, "-m", "django", "startproject", "mysite", "."]
    subprocess.run(make, cwd=tmp_path, check=True)
    for block in code_blocks("python"):
        path, at_end = re.match(r"# (\S+)( \(at the end\))?\n", block).groups()
        with open(tmp_path / path, "a" if at_end else "w") as file:
            file.write(block)
    assert "interface-server mysite.asgi:channel_layer" in commands()
    assert commands().count("python manage.py runworker") == 2
    with Split(
        tmp_path,
        settings="mysite.settings",
        asgi="mysite.asgi:channel_layer",
        redis_url=redis_server.url,
    ) as split:
        split.manage("check", "--fail-level=WARNING")
        split.start_server()
        split.start_worker()
        split.start_worker()
        yield split


def test_tutorial_chats_from_socket_to_socket_and_from_the_shell(mysite):
    page = requests.get(mysite.url + "/", timeout=20).text
    path = re.search(r"location.host}(.*?)`", page)[1]
    with connect(mysite.ws_url + path) as amy, connect(mysite.ws_url + path) as ben:
        amy.send("hello")
        assert [amy.recv(timeout=20), ben.recv(timeout=20)] == ["hello", "hello"]
        shell = next(command for command in commands() if "manage.py shell" in command)
        assert shlex.split(shell)[:2] == ["python", "manage.py"]
        mysite.manage(*shlex.split(shell)[2:])
        assert ben.recv(timeout=20) == "Hello from the shell"


def test_every_file_that_the_readme_links_to_is_there():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (REPOSITORY / target).exists(), target
