"""Finding the channel layer that a command line names."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer


class CannotLoad(Exception):
    """The channel layer can't be imported; the text says why, in one line."""


def load_layer(path: str) -> BaseChannelLayer:
    """Return the channel layer at `path`, "package.module:object.attribute".

    Looks in the current directory first. Raises CannotLoad.
    """
    module_name, colon, object_path = path.partition(":")
    if not (module_name and colon and object_path):
        raise CannotLoad(
            f"{path!r} names no channel layer: write it as my_project.asgi:channel_layer"
        )
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    found = _import(module_name)
    for name in object_path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise CannotLoad(f"{module_name!r} has no {object_path!r}") from None
        except Exception as error:  # channels.asgi makes the layer when it is asked for
            raise _explain(error, f"make {path!r}") from error
    if not callable(getattr(found, "open_link", None)):
        raise CannotLoad(
            f"{path!r} is no channel layer but {type(found).__name__}: "
            "make it with channels.asgi.get_channel_layer()"
        )
    layer: BaseChannelLayer = found
    return layer


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a project's module may fail in any way
        raise _explain(error, f"import {name!r}") from error


def _explain(error: Exception, what: str) -> CannotLoad:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return CannotLoad(_find_settings_problem(error) or f"can't {what}: {reason}")


def _find_settings_problem(error: Exception) -> str | None:
    """Say that DJANGO_SETTINGS_MODULE names a module that is not there; None if that is not it."""
    settings = os.environ.get("DJANGO_SETTINGS_MODULE")
    if settings is None or not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    if not f"{settings}.".startswith(f"{error.name}."):
        return None
    return (
        f"the environment variable DJANGO_SETTINGS_MODULE is {settings!r}, and there is no module "
        f"{error.name!r} to import: set it to the project's settings, or run this in the folder "
        "of manage.py"
    )
