"""Where in the project's code a route was made."""

import contextlib
import os
import sys

_OUR_FOLDERS = (
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "channels") + os.sep,
    contextlib.__file__,
    "<frozen",
)


def find_place() -> str | None:
    """Return the file and line of the project's that is being run; None if none is."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_OUR_FOLDERS):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    path = frame.f_code.co_filename
    is_installed = f"{os.sep}site-packages{os.sep}" in path  # Django, say, that asks for a routing
    return None if is_installed else f"{path}, line {frame.f_lineno}"
