"""The way from `channels` to the rooms beside it, and who may stand in it.

`routing`, `worker` and `interface_server` are top-level modules: names that a project may have
given to a file of its own. Python imports whatever comes first on its path, so each door asks here
first, and a project whose file is in the way hears of that file, not of an odd ImportError.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType

from django.core.exceptions import ImproperlyConfigured

#: The top-level modules that are installed with `channels`.
ROOMS = ("routing", "worker", "interface_server")


def load_room(name: str) -> ModuleType:
    """Return our top-level module `name`, imported.

    Raises ImproperlyConfigured, naming the file in the way, if Python would import another one.
    """
    problem = find_room_problem(name)
    if problem:
        raise ImproperlyConfigured(problem)
    return importlib.import_module(name)


def find_room_problem(name: str) -> str | None:
    """Say why our top-level module `name` can't be imported; None if it can. Imports nothing."""
    path = _find_path(name)
    if path is None:
        return (
            f"the module {name!r}, which comes with channels-classic, is not installed: "
            "reinstall it with pip install --force-reinstall channels-classic"
        )
    if _folder_around(path) == _folder_around(os.path.dirname(__file__)):
        return None
    return (
        f"{path} is in the way of the module {name!r} that comes with channels-classic: rename it "
        f"(and where it is named: imports, ROUTING in CHANNEL_LAYERS), or move it into one of your "
        "packages"
    )


def _find_path(name: str) -> str | None:
    """Return the file that `import name` leads to (a folder, if it has no __init__.py), or None.

    A module that is still being imported counts: a project's own routing.py that asks for
    `channels.routing` is in sys.modules by then.
    """
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # imported, but without a spec
        return getattr(sys.modules[name], "__file__", None) or repr(sys.modules[name])
    if spec is None:
        return None
    if spec.origin is None and spec.submodule_search_locations:
        return next(iter(spec.submodule_search_locations), None)
    return spec.origin


def _folder_around(path: str) -> str:
    """Return the folder that holds the package whose file `path` is."""
    return os.path.dirname(os.path.dirname(os.path.realpath(path)))
