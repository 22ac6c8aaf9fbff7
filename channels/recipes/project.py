"""What a recipe must know of the project that it is written for, read from its settings."""

import ast
import dataclasses
import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import CommandError

from channels.asgi import channel_layers
from channels.exceptions import InvalidChannelLayerError
from channels.layers.names import GlobTable
from channels.recipes.parts import PAGES_AND_SOCKETS

#: An ASGI application for a project whose own asgi.py makes no channel layer.
OUR_ASGI = "channels.asgi:channel_layer"


@dataclasses.dataclass(frozen=True)
class Project:
    """A Django project.

    Attributes:
        name: what its units and containers are called: the package of its settings.
        directory: where its manage.py is.
        settings_module: DJANGO_SETTINGS_MODULE.
        python_bin: the folder of the Python that it runs on.
        asgi: what the interface server serves, as module:name.
        static_url, static_root, media_url, media_root: of its settings; "" if there is none.
        domain: the first name of ALLOWED_HOSTS that is one, or www.example.org.
        has_delay: whether it needs a delay server.
        own_channels: what its routing names beside pages and sockets.
        requirements: its requirements.txt, pyproject.toml, or "".
    """

    name: str
    directory: Path
    settings_module: str
    python_bin: Path
    asgi: str
    static_url: str = ""
    static_root: str = ""
    media_url: str = ""
    media_root: str = ""
    domain: str = "www.example.org"
    has_delay: bool = False
    own_channels: tuple[str, ...] = ()
    requirements: str = ""


def find_project() -> Project:
    """Return the project whose settings this process has."""
    module = os.environ["DJANGO_SETTINGS_MODULE"]
    directory = find_directory()
    package = re.sub(r"[^a-z0-9]+", "-", module.split(".")[0].lower()).strip("-") or "site"
    return Project(
        name=package,
        directory=directory,
        settings_module=module,
        python_bin=Path(os.path.abspath(sys.executable)).parent,
        asgi=find_asgi(),
        static_url=_path(settings.STATIC_URL),
        static_root=str(settings.STATIC_ROOT or ""),
        media_url=_path(settings.MEDIA_URL),
        media_root=str(settings.MEDIA_ROOT or ""),
        domain=_find_domain(settings.ALLOWED_HOSTS),
        has_delay=apps.is_installed("channels.delay"),
        own_channels=find_own_channels(),
        requirements=next(
            (n for n in ("requirements.txt", "pyproject.toml") if (directory / n).exists()), ""
        ),
    )


def find_directory() -> Path:
    """Return the folder of the manage.py that runs, or the current one."""
    program = Path(sys.argv[0])
    return program.resolve().parent if program.name == "manage.py" else Path.cwd()


def find_asgi() -> str:
    """Return what an interface server serves: the project's channel layer, or ours of its settings.

    The project's asgi.py is read, not imported.
    """
    named = getattr(settings, "ASGI_APPLICATION", None) or _beside_wsgi() or _beside_settings()
    module = str(named).rpartition(".")[0]
    try:
        found = importlib.util.find_spec(module) if module else None
    except ImportError:
        found = None
    if found is not None and found.origin and _makes_layer(Path(found.origin)):
        return f"{module}:channel_layer"
    return OUR_ASGI


def _beside_wsgi() -> str:
    named: str = getattr(settings, "WSGI_APPLICATION", None) or ""
    return named.replace("wsgi", "asgi")


def _beside_settings() -> str:
    package = os.environ["DJANGO_SETTINGS_MODULE"].rpartition(".")[0]
    return f"{package}.asgi.application" if package else "asgi.application"


def _makes_layer(path: Path) -> bool:
    """Whether a module gives something the name `channel_layer`."""
    try:
        tree = ast.parse(path.read_text())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return False
    return any(
        isinstance(target, ast.Name) and target.id == "channel_layer"
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    )


def find_own_channels() -> tuple[str, ...]:
    """Return the channels of the project's routing that carry neither pages nor sockets.

    Raises CommandError if the settings of the layer are wrong.
    """
    if "default" not in channel_layers:
        return ()
    try:
        router: Any = channel_layers["default"].router
    except InvalidChannelLayerError as error:
        raise CommandError(str(error)) from error
    is_common = GlobTable(dict.fromkeys(PAGES_AND_SOCKETS, True), False).get
    return tuple(sorted(name for name in router.channels if not is_common(name)))


def _path(url: str | None) -> str:
    """`url` if it is a path of this site; nginx can't serve what lies on another one."""
    return url if url and url.startswith("/") and url != "/" else ""


def _find_domain(hosts: list[str]) -> str:
    for host in hosts:
        if re.search("[a-z]", host) and "*" not in host and host != "localhost":
            return host.lstrip(".")
    return "www.example.org"
