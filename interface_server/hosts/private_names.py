"""The names of host servers that are not promised to stay: checked before anything relies on them.

A release that renames one would otherwise lose what it was needed for (holding clients back, limits
of heads, statuses of handshakes) without an error.
"""

import dis
import importlib
import importlib.metadata
import inspect
from collections.abc import Iterable
from typing import NamedTuple


class UnknownRelease(Exception):
    """A library that serves connections lacks a name that is needed; the text says which."""


class PrivateName(NamedTuple):
    """A name, as "module:object.attribute", and what is lost without it.

    The last attribute may be one that only instances have.
    """

    path: str
    purpose: str


def check_names(library: str, tried: str, names: Iterable[PrivateName]) -> None:
    """Raise UnknownRelease if one of `names` is not there.

    Args:
        library: the distribution that has the names, as in `pip install`.
        tried: the newest release that they were tried with.
        names: the PrivateNames.
    """
    for name in names:
        if not _is_there(name.path):
            raise UnknownRelease(
                f"{library} {installed_version(library)} has no {name.path}, which is needed for "
                f"{name.purpose}. This was tried with {library} {tried}: "
                f"pip install '{library}<={tried}'"
            )


def installed_version(library: str) -> str:
    """Return the version of a distribution, for a text."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "(of an unknown version)"


def _is_there(path: str) -> bool:
    module_name, _, object_path = path.partition(":")
    try:
        found = importlib.import_module(module_name)
    except ImportError:
        return False
    for name in object_path.split(".") if object_path else ():
        if hasattr(found, name):
            found = getattr(found, name)
        else:
            return inspect.isclass(found) and _is_set(found, name)
    return True


def _is_set(found: type, name: str) -> bool:
    """Whether a method of a class sets the attribute `name`: then instances have it."""
    return any(
        step.opname == "STORE_ATTR" and step.argval == name
        for parent in found.__mro__
        for function in vars(parent).values()
        if inspect.isfunction(function)
        for step in dis.get_instructions(function)
    )
