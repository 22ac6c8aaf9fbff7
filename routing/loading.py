"""Objects from their dotted paths, with errors that tell a wrong path from a broken module."""

import importlib
from types import ModuleType
from typing import Any

from channels.startup.hints import did_you_mean
from routing.errors import InvalidRoute, RouteProblem


def load_object(path: str) -> Any:
    """Return the object at dotted `path`.

    Raises RouteProblem, chained to the real error; an InvalidRoute in the module goes through.
    """
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise RouteProblem(
            f"{path!r} is not a dotted path: write module and name, "
            "as in 'my_app.consumers.ws_connect'"
        )
    module = _load_module(module_name)
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise RouteProblem(f"{error}{did_you_mean(name, dir(module))}") from error


def _load_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise RouteProblem(f"there is no module {error.name!r} to import") from error
        raise RouteProblem(_describe_failure(name, error)) from error
    except InvalidRoute:  # it is a routing.py, and its own mistake says more than we could
        raise
    except Exception as error:  # the module is the user's: it may raise anything
        raise RouteProblem(_describe_failure(name, error)) from error


def _describe_failure(name: str, error: BaseException) -> str:
    return f"the module {name!r} is there, but importing it raises {type(error).__name__}: {error}"
