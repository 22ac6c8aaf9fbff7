"""What hides this package, or lacks it, is named by whichever command comes first."""

import os
import pathlib
import shutil
import subprocess
import sys
import types

import django.core.management
import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from channels.asgi import ChannelLayerWrapper, get_channel_layer
from channels.exceptions import InvalidChannelLayerError
from channels.layers.memory import MemoryChannelLayer
from channels.startup import installed
from channels.startup.checks import check_environment

ROOT = pathlib.Path(__file__).parents[3]

SETTINGS = """
INSTALLED_APPS = {apps}
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
CHANNEL_LAYERS = {{
    "default": {{"BACKEND": "channels.layers.memory.MemoryChannelLayer", "ROUTING": []}}
}}
"""
MANAGE = """import sys
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
ASGI = "from channels.asgi import get_channel_layer\nchannel_layer = get_channel_layer()\n"


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site_settings.py").write_text(SETTINGS.format(apps=["channels"]))
    (tmp_path / "manage.py").write_text(MANAGE)
    (tmp_path / "site_asgi.py").write_text(ASGI)
    return tmp_path


def run(site, *command, settings="site_settings", path=ROOT):
    """Return (exit code, output) of a Python command in the folder of the site."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, [site, path])),
        "DJANGO_SETTINGS_MODULE": settings,
    }
    ended = subprocess.run(
        [sys.executable, *command], cwd=site, env=env, capture_output=True, text=True, timeout=60
    )
    return ended.returncode, ended.stdout + ended.stderr


INTERFACE_SERVER = ("-m", "interface_server", "site_asgi:channel_layer", "-p", "0")


@pytest.fixture
def commands(monkeypatch):
    """The owner of each command, as Django found it."""
    found = {"runserver": "channels", "runworker": "channels", "channels_status": "channels"}
    monkeypatch.setattr(django.core.management, "get_commands", lambda: found)
    return found


def test_daphnes_runserver_stands_back_for_ours(commands):
    commands["runserver"] = "daphne"
    installed.take_over_commands()
    assert commands["runserver"] == "channels"


@pytest.mark.parametrize("name", ["runserver", "runworker", "channels_status"])
def test_a_command_that_another_app_hides_is_told_with_the_order_to_use(commands, name):
    commands[name] = "elsewhere"
    told = [found.msg for found in check_environment() if found.id == "channels.W003"]
    assert len(told) == 1
    assert f"manage.py {name} is that of elsewhere" in told[0]
    assert "put 'channels' before 'elsewhere'" in told[0]


def test_a_project_in_order_is_told_nothing():
    assert [found for found in check_environment() if found.id == "channels.W003"] == []


@pytest.mark.parametrize("apps", [["django.contrib.auth"], ["channelsplus.core"]])
def test_without_the_app_no_channel_layer_is_given_to_a_server(apps):
    with (
        override_settings(INSTALLED_APPS=[]),
        pytest.raises(InvalidChannelLayerError, match="'channels' is not in INSTALLED_APPS"),
    ):
        django_settings.INSTALLED_APPS = apps
        get_channel_layer()


@pytest.mark.parametrize(
    "name", ["channels", "channels.apps.ChannelsConfig", "mysite.apps.MyChannelsConfig"]
)
def test_the_app_is_found_under_each_of_its_names(monkeypatch, name):
    fake = types.SimpleNamespace(configured=True, INSTALLED_APPS=["a", name], SETTINGS_MODULE="s")
    monkeypatch.setattr("django.conf.settings", fake)
    assert installed.find_missing_app() is None


def test_interface_server_ends_if_the_app_is_missing(site):
    (site / "site_settings.py").write_text(SETTINGS.format(apps=["django.contrib.auth"]))
    code, output = run(site, *INTERFACE_SERVER)
    assert code == 1
    assert "'channels' is not in INSTALLED_APPS of site_settings: add it there" in output
    assert "Traceback" not in output


def test_interface_server_names_the_variable_that_names_no_settings(site):
    code, output = run(site, *INTERFACE_SERVER, settings="mysite.settingz")
    assert code == 1
    assert "the environment variable DJANGO_SETTINGS_MODULE is 'mysite.settingz'" in output
    assert "no module 'mysite'" in output
    assert "Traceback" not in output


NO_RELOAD = {"runserver": ["--noreload"], "runworker": []}


@pytest.mark.parametrize("room", ["routing", "worker"])
@pytest.mark.parametrize("command", ["runworker", "runserver"])
def test_a_folder_in_the_way_of_a_room_is_told_without_a_traceback(site, room, command):
    (site / room).mkdir()
    (site / room / "__init__.py").write_text("")
    code, output = run(site, "manage.py", command, "--skip-checks", *NO_RELOAD[command])
    assert code == 1
    assert f"is in the way of the module {room!r}" in output
    assert "rename it" in output
    assert "Traceback" not in output


@pytest.fixture
def overwritten(tmp_path):
    """A folder of packages in which another distribution has overwritten modules of this one."""
    folder = tmp_path / "packages"
    for room in ("channels", "routing", "worker", "interface_server"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    theirs = {
        "channels/__init__.py": '__version__ = "4.3.2"\nDEFAULT_CHANNEL_LAYER = "default"\n',
        "channels/exceptions.py": "class ChannelFull(Exception):\n    pass\n",
        "channels/apps.py": "from django.apps import AppConfig\n\n\n"
        'class ChannelsConfig(AppConfig):\n    name = "channels"\n',
    }
    for name, source in theirs.items():
        (folder / name).write_text(source)
    info = folder / "channels-4.3.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: channels\nVersion: 4.3.2\n")
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in theirs))
    return folder


@pytest.mark.parametrize(
    "command",
    [
        INTERFACE_SERVER,
        ("manage.py", "runserver"),
        ("manage.py", "runworker"),
        ("-c", "import channels.layers"),
        ("-c", "import channels.asgi"),
    ],
)
def test_another_package_over_this_one_is_named_by_whichever_command_comes_first(
    site, overwritten, command
):
    code, output = run(site, *command, path=overwritten)
    assert code == 1
    assert "the distribution 'channels' 4.3.2 is installed in this environment" in output
    assert "pip uninstall channels" in output
    assert "cannot import name" not in output
    assert "Traceback" not in output or command[0] == "-c"


def test_a_layer_of_one_process_under_an_asgi_server_is_warned_of(caplog):
    import asyncio

    layer = ChannelLayerWrapper(MemoryChannelLayer(), "default", [])

    async def serve():
        sent = []

        async def receive():
            return {"type": "lifespan.startup"} if not sent else {"type": "lifespan.shutdown"}

        async def send(event):
            sent.append(event)

        await layer({"type": "lifespan"}, receive, send)

    asyncio.run(serve())
    assert "works within one process only, so no worker elsewhere" in caplog.text
