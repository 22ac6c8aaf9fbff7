"""Whether the project has `channels` among its apps, and its commands under their names."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterator
from importlib import import_module

#: Apps of ours with commands of their own.
_APPS_WITH_COMMANDS = ("channels", "channels.delay")

#: Commands that are another app's in many projects, and do less than ours.
STANDS_BACK = {
    "runserver": ("django.core", "django.contrib.staticfiles", "daphne"),
}


def find_missing_app() -> str | None:
    """Say that 'channels' is not in INSTALLED_APPS; None if it is, or if there are no settings.

    No app is imported: an interface server runs none of the project's code. What may be an
    AppConfig of the project's own for this app counts as one.
    """
    from django.conf import settings

    if not settings.configured and not _can_be_configured():
        return None
    names = list(settings.INSTALLED_APPS)
    own = ("channels", "channels.apps.ChannelsConfig")
    if any(name in own or "channels" in name.rpartition(".")[2].lower() for name in names):
        return None
    return (
        f"'channels' is not in INSTALLED_APPS of {settings.SETTINGS_MODULE}: add it there; without "
        "it there is no manage.py runworker, and nobody would take what comes in here"
    )


def _can_be_configured() -> bool:
    return bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


def take_over_commands() -> None:
    """Let `manage.py runserver` mean ours, wherever in INSTALLED_APPS its app stands.

    The tutorials of 1.x add "channels" at the end of it, those of Channels 4 put "daphne" at its
    beginning, and Django takes a command from the first app that has it. The command of an app that
    is not known is left in its place, which the system checks tell.
    """
    from django.core.management import get_commands

    commands = get_commands()  # a dict, made once per process
    for command, owners in STANDS_BACK.items():
        if commands.get(command) in owners:
            commands[command] = "channels"


def find_hidden_commands() -> Iterator[tuple[str, str]]:
    """Yield (command, app) for each command of ours that is hidden by another app's."""
    from django.apps import apps
    from django.core.management import get_commands

    commands = get_commands()
    for app in _APPS_WITH_COMMANDS:
        if not apps.is_installed(app):
            continue
        package = import_module(f"{app}.management.commands")
        for module in pkgutil.iter_modules(package.__path__):
            owner = commands.get(module.name)
            stands_back = owner in STANDS_BACK.get(module.name, ())
            if isinstance(owner, str) and owner != app and not stands_back:
                yield module.name, owner
