"""For commands that start again when code changes."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

from django.utils import autoreload

#: So often modules are listed anew, before it is an error that one has gone meanwhile.
_TRIES = 100


def run_with_reloader(main: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Run `main` as Django's autoreloader does, and bear modules that go while it lists them.

    A module whose import fails goes again. Where that happens in another thread, the autoreloader
    of Django 5.2 ends with KeyError: a typing error in a consumer would end `runserver`.
    """
    bear_modules_that_go()
    autoreload.run_with_reloader(main, *args, **kwargs)


def bear_modules_that_go() -> None:
    """Let the autoreloader list the modules again if one goes meanwhile."""
    list_files = autoreload.iter_all_python_module_files
    if hasattr(list_files, "__wrapped__"):
        return

    @functools.wraps(list_files)
    def list_again() -> Any:
        for _ in range(_TRIES):
            try:
                return list_files()
            except KeyError:
                continue
        return list_files()

    autoreload.iter_all_python_module_files = list_again


def name_guilty_file(error: BaseException) -> None:
    """Tell Django's autoreloader, which looks at `error.filename`, what file to wait for.

    That is where the first cause was raised: it may be in a module that could not be imported.
    """
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    frames = traceback.extract_tb(cause.__traceback__)
    vars(error)["filename"] = getattr(cause, "filename", None) or (
        frames[-1].filename if frames else None
    )
