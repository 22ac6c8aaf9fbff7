"""Whether the packages around this one fit: looked up in their metadata, without importing them."""

import importlib.metadata
import re

from django.core.exceptions import ImproperlyConfigured

#: Distributions that install, or need, another package called `channels` -> what is to be done.
CONFLICTING = {
    "channels": "it is another package of the same import name, and overwrites files of this one: "
    "pip uninstall channels, then pip install --force-reinstall channels-classic",
    "channels_redis": "it needs PyPI's own channels: pip uninstall channels_redis channels; "
    "the Redis layer is part of channels-classic (channels.layers.redis.RedisChannelLayer)",
}

#: Distribution -> the oldest version that works.
REQUIRED_VERSIONS = {"daphne": "4.1", "msgpack": "1.0", "redis": "5.0"}


class PackageProblem(ImproperlyConfigured, RuntimeError):
    """An installed package does not go with this one. (Channels 1.x raised RuntimeError.)"""


def check_all():
    """Raise PackageProblem, which names them, if installed packages do not go with this one."""
    problems = find_conflicts() + find_old_versions()
    if problems:
        raise PackageProblem("; ".join(problems))


def find_conflicts():
    """Return a text for each installed distribution that is in this one's way."""
    found = ((name, _find_version(name), advice) for name, advice in CONFLICTING.items())
    return [
        f"the distribution {name!r} {version} is installed in this environment: {advice}"
        for name, version, advice in found
        if version
    ]


def find_old_versions():
    """Return a text for each installed distribution that is older than what works."""
    found = ((name, _find_version(name), oldest) for name, oldest in REQUIRED_VERSIONS.items())
    return [
        f"{name} {version} is too old: pip install '{name}>={oldest}'"
        for name, version, oldest in found
        if version and _as_numbers(version) < _as_numbers(oldest)
    ]


def _find_version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _as_numbers(version):
    """Return the release part of a version as a tuple: "5.1.0rc1" gives (5, 1, 0)."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, release.group().split("."))) if release else ()
