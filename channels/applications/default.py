"""The application that a project serves: ASGI_APPLICATION."""

from __future__ import annotations

import importlib
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def get_default_application() -> Any:
    """Return the application that the setting ASGI_APPLICATION names, such as
    "mysite.asgi.application".

    Raises ImproperlyConfigured.
    """
    named = getattr(settings, "ASGI_APPLICATION", None)
    module_name, _, name = str(named or "").rpartition(".")
    if not module_name:
        raise ImproperlyConfigured(
            f"Cannot find ASGI_APPLICATION setting (it is {named!r}): name your application, as in "
            'ASGI_APPLICATION = "mysite.asgi.application"'
        )
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"Cannot import ASGI_APPLICATION module {module_name!r}: {error}{_hint(error)}"
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise ImproperlyConfigured(
            f"Cannot find {name!r} in ASGI_APPLICATION module {module_name}"
        ) from error


def runs_in_process() -> bool:
    """Whether a project is one of Channels 2 and later alone: it names an application, and its
    default layer has no ROUTING of 1.x."""
    layers = getattr(settings, "CHANNEL_LAYERS", None) or {}
    entry = layers.get("default") if isinstance(layers, dict) else None
    has_routing = isinstance(entry, dict) and "ROUTING" in entry
    return bool(getattr(settings, "ASGI_APPLICATION", None)) and not has_routing


def _hint(error: ImportError) -> str:
    """What to do about an import that older releases of Django had."""
    if error.name == "django.conf.urls" and "url" in str(error):
        return (
            ". Django 4.0 took url() away: write re_path() in its place, and "
            "`from django.urls import re_path`"
        )
    return ""
