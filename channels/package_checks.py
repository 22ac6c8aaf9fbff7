"""Whether the packages around this one fit: looked up in their metadata, without importing them."""

from __future__ import annotations

import importlib
import importlib.metadata
import re

from django.core.exceptions import ImproperlyConfigured

#: The distribution that installs another package called `channels` -> what is to be done.
CONFLICTING = {
    "channels": "it is another package of the same import name, and overwrites files of this one: "
    "pip uninstall channels, then pip install --force-reinstall channels-classic",
}

#: Distribution -> the oldest version that works.
REQUIRED_VERSIONS = {"daphne": "4.1", "msgpack": "1.0", "redis": "5.0.8"}

#: A requirement of the distribution `channels`, which is no extra of its own.
_NEEDS_CHANNELS = re.compile(r"channels(?![\w.-])(?!.*extra\s*==)", re.IGNORECASE)


class PackageProblem(ImproperlyConfigured, RuntimeError):
    """An installed package does not go with this one. (Channels 1.x raised RuntimeError.)"""


def check_all() -> None:
    """Raise PackageProblem, which names them, if installed packages do not go with this one."""
    problems = find_conflicts() + find_old_versions()
    if problems:
        raise PackageProblem("; ".join(problems))


def check_names() -> None:
    """Raise PackageProblem if another package has overwritten modules of this one.

    It is called before anything of these modules is imported, by each way in: what is missing there
    would be an ImportError that explains nothing.
    """
    try:
        names = vars(importlib.import_module("channels.exceptions"))
    except ImportError:
        names = {}
    if "LayerUnavailable" not in names:
        problems = find_conflicts() or [
            "modules of the package 'channels' are not those of channels-classic: "
            "pip install --force-reinstall channels-classic"
        ]
        raise PackageProblem("; ".join(problems))


def find_conflicts() -> list[str]:
    """Return a text for each installed distribution that is in this one's way.

    A distribution called `channels` that installs no package of that name is not: it says to others
    that this one is there (see deploy/channels_stand_in).
    """
    return [
        f"the distribution {name!r} {_find_version(name)} is installed in this environment: "
        f"{advice}"
        for name, advice in CONFLICTING.items()
        if _find_version(name) and _installs_package(name)
    ]


def find_dependents() -> list[str]:
    """Return the names of installed distributions that need the distribution `channels`, if that is
    not installed: what installs or updates one of them would bring it."""
    if _find_version("channels"):
        return []
    return sorted(
        distribution.metadata["Name"]
        for distribution in importlib.metadata.distributions()
        if any(_NEEDS_CHANNELS.match(line) for line in distribution.requires or ())
    )


def _installs_package(name: str) -> bool:
    files = importlib.metadata.files(name)
    if files is None:  # it does not say what it has installed
        return True
    return any(file.parts[0] == name for file in files)


def find_old_versions() -> list[str]:
    """Return a text for each installed distribution that is older than what works."""
    found = ((name, _find_version(name), oldest) for name, oldest in REQUIRED_VERSIONS.items())
    return [
        f"{name} {version} is too old: pip install '{name}>={oldest}'"
        for name, version, oldest in found
        if version and _as_numbers(version) < _as_numbers(oldest)
    ]


def _find_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _as_numbers(version: str) -> tuple[int, ...]:
    """Return the release part of a version as a tuple: "5.1.0rc1" gives (5, 1, 0)."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, release.group().split("."))) if release else ()
